/**
 * Who is the hub. Whoever holds the lock of the device's name is, wherever it runs: a SharedWorker, a worker of a tab, or
 * a tab. All others who could be wait for the lock, and the platform gives it to the next one however the hub ends. A hub
 * that is frozen keeps its lock, so a tab that hears nothing from it takes the lock away; then the log's fence sees to it
 * that the old hub writes nothing when it thaws [R4].
 *
 * Tabs and hub find each other on a channel that all of them listen to, and talk on one of the two of them alone.
 */

import { newSrc } from '../../ops/identity.ts'
import type { Agreement, Channel } from '../platform.ts'
import { type Call, callChannel, hubLock, lineChannel, tabLock } from './calls.ts'
import type { Hub } from './hub.ts'
import { type FromHub, type FromTab, HUB_PROTOCOL } from './messages.ts'

/** Makes the hub of the name `src`, never rejecting; `fenced` is to be called when another one took its log over. */
export type MakeHub = (src: string, fenced: () => void) => Promise<Hub>

export interface Candidate {
  /** Takes the hub's place now, whoever has it. */
  takeOver(): void
  /** Steps back where it stands: what is not saved yet is its tabs' to bring to the next hub. */
  leave(): void
  /** Steps back; as the hub, once everything is saved. */
  close(): Promise<void>
}

export function stand(
  agreement: Agreement,
  name: string,
  make: MakeHub,
  randomBytes: (bytes: Uint8Array<ArrayBuffer>) => unknown,
): Candidate {
  return new Standing(agreement, name, make, randomBytes)
}

class Standing implements Candidate {
  readonly #agreement: Agreement
  readonly #name: string
  readonly #make: MakeHub
  readonly #randomBytes: (bytes: Uint8Array<ArrayBuffer>) => unknown
  readonly #ended: Promise<void>
  #waiting = new AbortController()
  #steal = false
  #reign: Reign | null = null
  #closed = false

  constructor(
    agreement: Agreement,
    name: string,
    make: MakeHub,
    randomBytes: (bytes: Uint8Array<ArrayBuffer>) => unknown,
  ) {
    this.#agreement = agreement
    this.#name = name
    this.#make = make
    this.#randomBytes = randomBytes
    this.#ended = this.#run()
  }

  takeOver(): void {
    if (this.#reign !== null) return
    this.#steal = true
    this.#waiting.abort()
  }

  leave(): void {
    this.#closed = true
    this.#waiting.abort()
    this.#reign?.lose()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#waiting.abort()
    await this.#reign?.end()
    await this.#ended
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const wish = this.#steal ? { steal: true } : { signal: this.#waiting.signal }
      this.#steal = false
      try {
        await this.#agreement.lock(hubLock(this.#name), wish, () => this.#rule())
      } catch {
        // Stolen from us, or the waiting was ended: by `takeOver`, which waits anew, or by `close`.
        this.#reign?.lose()
      }
      this.#reign = null
      if (this.#waiting.signal.aborted) this.#waiting = new AbortController()
    }
  }

  async #rule(): Promise<void> {
    if (this.#closed) return
    const src = newSrc(this.#randomBytes)
    const reign = new Reign(this.#agreement, this.#name, src, () => {
      this.#closed = true
    })
    this.#reign = reign
    await reign.start(this.#make)
    await reign.over
  }
}

/** The time of one hub, from when it has the lock. */
class Reign {
  readonly over: Promise<void>
  readonly #agreement: Agreement
  readonly #name: string
  readonly #src: string
  readonly #calls: Channel<Call>
  readonly #outdated: () => void
  readonly #lines = new Map<string, AbortController>()
  #hub: Hub | null = null
  #finish!: () => void
  #lost = false

  constructor(agreement: Agreement, name: string, src: string, outdated: () => void) {
    this.#agreement = agreement
    this.#name = name
    this.#src = src
    this.#outdated = outdated
    this.#calls = agreement.channel(callChannel(name))
    this.over = new Promise(resolve => {
      this.#finish = resolve
    })
  }

  async start(make: MakeHub): Promise<void> {
    this.#calls.listen(call => this.#called(call))
    const hub = await make(this.#src, () => this.#over())
    this.#hub = hub
    if (this.#lost) hub.giveUp()
    else this.#calls.post({ t: 'here', hub: this.#src, version: HUB_PROTOCOL })
  }

  /** The lock is somebody else's now. */
  lose(): void {
    this.#lost = true
    this.#hub?.giveUp()
    this.#over()
  }

  async end(): Promise<void> {
    this.#lost = true
    await this.#hub?.close()
    this.#over()
  }

  #over(): void {
    this.#calls.close()
    for (const line of this.#lines.values()) line.abort()
    this.#lines.clear()
    this.#finish()
  }

  #called(call: Call): void {
    if (call.t !== 'who') return
    if (call.version > HUB_PROTOCOL) {
      this.#outdated()
      this.lose()
    } else if (this.#hub === null) this.#calls.post({ t: 'opening' })
    else {
      if (call.version === HUB_PROTOCOL) this.#take(this.#hub, call.tab)
      this.#calls.post({ t: 'here', hub: this.#src, version: HUB_PROTOCOL, to: call })
    }
  }

  /** Serves a tab until its lock is free: then it is gone, whether it said so or not. */
  #take(hub: Hub, tab: string): void {
    if (this.#lines.has(tab)) return
    const line = new AbortController()
    this.#lines.set(tab, line)
    const port = this.#agreement.channel<FromTab | FromHub>(lineChannel(this.#name, this.#src, tab))
    const guest = hub.serve(port as Channel<never>)
    const gone = async () => {
      this.#lines.delete(tab)
      guest.leave()
    }
    this.#agreement.lock(tabLock(this.#name, tab), { signal: line.signal }, gone).catch(() => port.close())
  }
}
