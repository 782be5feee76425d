/** What the world has been told, seen from outside of the code under test: the checker compares it with what is there. */

export interface Entry {
  readonly device: string
  /** The device and its copies, which have the same edits to take back. */
  readonly family: string
  readonly doc: string
  /** The handle that it was written through: one per opening of a document in a tab. */
  readonly handle: number
  saved: boolean
  /** Said to be committed; or, where the storage was never troubled and the handle let go, committed or held. */
  settled: boolean
  /** The families of the devices on which somebody took it away. */
  readonly deletedBy: Set<string>
  /** Its family asked to undo or redo something, after which it was not seen. */
  undone: boolean
  /** It was on its device, and then the storage was damaged and it was there no more. */
  destroyed: boolean
  /** Somebody tried it again when it was held, or discarded it. */
  decided: 'retry' | 'discard' | null
}

/** An edit that may not be on the server before others. */
export interface Link {
  readonly token: number
  readonly after: readonly number[]
}

export class Ledger {
  readonly entries: Entry[] = []
  /** `family document`: somebody asked there to undo or redo something. */
  readonly undoers = new Set<string>()
  readonly links: Link[] = []
  /** Documents that were deleted as a whole. */
  readonly deletions = new Set<string>()
  /** What nobody should have said or done; the first word names the invariant. */
  readonly faults: string[] = []
  /** What was in the op log and went when the server went back. */
  rolledBack: ReadonlySet<number> = new Set()
  /** Names that the server acknowledged to a device, by document. */
  readonly acks = new Map<string, Set<string>>()
  /** The family that sent ops of each src. */
  readonly authors = new Map<string, string>()
  /** Each incarnation of a hub, and the device and program that called itself so. */
  readonly srcs = new Map<string, { readonly device: string; readonly program: object }>()
  /** What passed between devices and the server; a merge is news that met unsent edits. */
  readonly met = { greetings: 0, merges: 0 }

  /** A new token of a device. */
  write(device: string, family: string, doc: string, handle: number): number {
    this.entries.push({
      device,
      family,
      doc,
      handle,
      saved: false,
      settled: false,
      deletedBy: new Set(),
      undone: false,
      destroyed: false,
      decided: null,
    })
    return this.entries.length - 1
  }

  acked(doc: string, name: string): void {
    const acks = this.acks.get(doc) ?? new Set()
    this.acks.set(doc, acks.add(name))
  }

  /** Something was undone or redone in a family; of what it wrote there so far, only `shown` was seen after it. */
  undone(family: string, doc: string, shown: ReadonlySet<number>): void {
    this.entries.forEach((entry, token) => {
      if (entry.family === family && entry.doc === doc && !shown.has(token)) entry.undone = true
    })
  }

  /** A device was put back to an earlier state, in which it may have been undone what was made again since. */
  wentBack(device: string, doc: string, shown: ReadonlySet<number>): void {
    if (this.undoers.has(`${device} ${doc}`)) this.undone(device, doc, shown)
  }

  /** A hub greets the server by its name. */
  greeted(src: string, device: string, program: object): void {
    const known = this.srcs.get(src)
    if (known && known.program !== program)
      this.faults.push(`I1: ${device} uses the src ${src} of a program of ${known.device} again`)
    this.met.greetings++
    this.srcs.set(src, { device, program })
  }

  /** What the storage of a device held before it was damaged and holds no more: of others it had copies. */
  destroyed(device: string, before: ReadonlySet<number>, after: ReadonlySet<number>): void {
    for (const token of before) {
      const entry = this.entries[token]
      if (entry?.device === device && !after.has(token)) entry.destroyed = true
    }
  }

  /** A person decided about a held edit with these tokens in it. */
  decided(tokens: readonly number[], what: 'retry' | 'discard'): void {
    for (const token of tokens) {
      const entry = this.entries[token]
      if (entry && entry.decided !== 'discard') entry.decided = what
    }
  }

  /** A family sends ops of this src. */
  wrote(src: string, family: string): void {
    if (!this.authors.has(src)) this.authors.set(src, family)
  }

  isSettled(token: number): boolean {
    return this.entries[token]?.settled ?? false
  }
}
