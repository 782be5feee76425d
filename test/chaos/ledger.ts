/** What the people, the frames and the pages have said so far: who wrote which token, and what was promised for it. */

export interface Entry {
  /** The page that it was typed in; edits of one page keep their order. */
  readonly by: string
  /** The profile of its browser. */
  readonly device: string
  /** A page showed it as saved. */
  saved: boolean
  /** The server acknowledged it, on the wire. */
  acked: boolean
  /** A page showed it as settled: on the server, or held. */
  settled: boolean
  /** It was in no other place than a database that the scenario ruined. */
  ruined: boolean
}

const PATIENCE_MS = 45_000

export class Ledger {
  readonly entries: Entry[] = []
  /** Codes of faults that a device's people were told. */
  readonly told = new Map<string, Set<string>>()
  /** How many edits a device's people were told are lost. */
  readonly toldLost = new Map<string, number>()
  #waiting = new Set<() => void>()

  /** New tokens for a page. */
  write(by: string, device: string, count: number): number[] {
    const first = this.entries.length
    for (let i = 0; i < count; i++)
      this.entries.push({ by, device, saved: false, acked: false, settled: false, ruined: false })
    return Array.from({ length: count }, (_, i) => first + i)
  }

  note(what: 'saved' | 'acked' | 'settled', tokens: readonly number[]): void {
    for (const token of tokens) {
      const entry = this.entries[token]
      if (entry) entry[what] = true
    }
    if (tokens.length > 0) this.#changed()
  }

  tell(device: string, code: string): void {
    const codes = this.told.get(device) ?? new Set()
    this.told.set(device, codes.add(code))
    this.#changed()
  }

  tellLost(device: string, edits: number): void {
    this.toldLost.set(device, Math.max(edits, this.toldLost.get(device) ?? 0))
    this.#changed()
  }

  /** What this device has written up to now and no server has may be gone from it. */
  ruin(device: string): void {
    for (const entry of this.entries) if (entry.device === device && !entry.acked) entry.ruined = true
  }

  count(what: 'saved' | 'acked' | 'settled', device?: string): number {
    return this.entries.filter(entry => entry[what] && (device ?? entry.device) === entry.device).length
  }

  /** Resolves when `done` holds; rejects when it takes too long. */
  until(done: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(late)
        this.#waiting.delete(look)
      }
      const look = () => {
        if (!done()) return
        end()
        resolve()
      }
      const late = setTimeout(() => {
        end()
        reject(new Error(`I9: it took too long until ${what}`))
      }, PATIENCE_MS)
      this.#waiting.add(look)
      look()
    })
  }

  #changed(): void {
    for (const look of [...this.#waiting]) look()
  }
}
