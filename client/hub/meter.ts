/** What a hub did so far, for an app's own monitoring: counts since the hub began, and how long things took. */

import type { ClientFrame, ServerFrame } from '../../ops/protocol.ts'
import type { Metrics, Timing } from '../api.ts'
import type { Clock } from '../clock.ts'
import type { ReplicaEvent } from '../engine/replica.ts'

const none: Timing = { count: 0, last: 0, mean: 0, max: 0 }

/** `times` with one more of `ms`. */
function timed({ count, mean, max }: Timing, ms: number): Timing {
  const more = count + 1
  return { count: more, last: ms, mean: mean + (ms - mean) / more, max: Math.max(max, ms) }
}

type Counts = Pick<
  Metrics,
  'edits' | 'sealed' | 'sent' | 'acked' | 'refused' | 'rebases' | 'remote' | 'connections'
>

export class Meter {
  readonly #clock: Clock
  readonly #counts: { -readonly [K in keyof Counts]: number } = {
    edits: 0,
    sealed: 0,
    sent: 0,
    acked: 0,
    refused: 0,
    rebases: 0,
    remote: 0,
    connections: 0,
  }
  #save = none
  #commit = none
  /** The oldest edit of each document that is not saved, and when the op that is under way was sent. */
  readonly #unsaved = new Map<string, { readonly n: number; readonly at: number }>()
  readonly #underWay = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An engine decided something; `pending`: with unsent edits on top of what came. */
  decided(document: string, n: number, event: ReplicaEvent, pending: boolean): void {
    const counts = this.#counts
    if (event.t === 'edit') {
      counts.edits++
      if (!this.#unsaved.has(document)) this.#unsaved.set(document, { n, at: this.#clock.now() })
    }
    if (event.t === 'seal') counts.sealed++
    else if (event.t === 'ack') counts.acked++
    else if (event.t === 'hold') counts.refused++
    else if (event.t === 'steps' || event.t === 'snapshot') {
      for (const { n, own } of event.t === 'steps' ? event.steps : []) {
        if (own) counts.acked++
        else counts.remote += n
      }
      if (pending) counts.rebases++
    }
  }

  sent(frame: ClientFrame): void {
    if (frame.a !== 'op') return
    this.#counts.sent++
    this.#underWay.set(`${frame.c}/${frame.d}`, this.#clock.now())
  }

  heard(frame: ServerFrame): void {
    if (frame.a !== 'op') return
    const at = this.#underWay.get(`${frame.c}/${frame.d}`)
    const own = !('op' in frame || 'create' in frame || 'del' in frame)
    if (at === undefined || !own) return
    this.#underWay.delete(`${frame.c}/${frame.d}`)
    if (!('error' in frame)) this.#commit = timed(this.#commit, this.#clock.now() - at)
  }

  connected(): void {
    this.#counts.connections++
    this.#underWay.clear()
  }

  /** The log has the document's events up to `n`, or has failed. */
  saved(document: string, n: number): void {
    const oldest = this.#unsaved.get(document)
    if (!oldest || oldest.n > n) return
    this.#unsaved.delete(document)
    this.#save = timed(this.#save, this.#clock.now() - oldest.at)
  }

  read(): Counts & Pick<Metrics, 'save' | 'commit'> {
    return { ...this.#counts, save: this.#save, commit: this.#commit }
  }
}
