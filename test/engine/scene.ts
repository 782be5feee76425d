/** One document on one device, told step by step: what happens goes in, what the engine wants done is collected. */

import { restore, save } from '../../client/engine/checkpoint.ts'
import { next, start } from '../../client/engine/engine.ts'
import type { Effect, Event, State } from '../../client/engine/machine.ts'
import type { ReplicaEvent } from '../../client/engine/replica.ts'
import type { Change } from '../../ops/change.ts'
import type {
  CatchUpAnswer,
  ClientFrame,
  Segment,
  Submit,
  WireChange,
  WireCommitted,
  WireName,
} from '../../ops/protocol.ts'
import { typeOf } from '../../types/index.ts'

const KEY = { collection: 'c', id: 'd' }
const ADDRESS = { c: 'c', d: 'd' }

export class Scene {
  state: State
  /** Frames that the engine wanted sent, oldest first; `take` empties it. */
  readonly sent: ClientFrame[] = []
  readonly shown: Change[] = []
  readonly log: ReplicaEvent[] = []
  readonly effects: Effect[] = []
  /** Whether the log saves at once. */
  saves = true

  constructor(
    log: readonly ReplicaEvent[] = [],
    src = 'me',
    frameBytes = 1_000_000,
    replica = restore(null, log),
    schema = 0,
  ) {
    this.log.push(...log)
    const [state, effects] = start(KEY, replica, log.length, src, frameBytes, schema)
    this.state = state
    this.#perform(effects)
  }

  /** The device dies and comes back with what the log has, or the first `kept` events of it. */
  reload(src: string, kept = this.log.length): Scene {
    return new Scene(this.log.slice(0, kept), src)
  }

  /** The same from a checkpoint of what it knows now. */
  resume(src: string): Scene {
    return new Scene(this.log, src, this.state.frameBytes, restore(save(this.state.replica), []))
  }

  get view(): unknown {
    return this.state.replica.view.data
  }

  get phase(): string {
    return this.state.phase.name
  }

  get pending(): string[] {
    return this.state.replica.pending.map(({ name }) => `${name.src}:${name.seq}`)
  }

  get held(): string[] {
    return this.state.replica.held.map(({ reason }) => reason.code)
  }

  on(event: Event): this {
    const [state, effects] = next(this.state, event)
    this.state = state
    this.#perform(effects)
    return this
  }

  /** A text document with this content, live at version `v`. */
  online(content: string | null, v = 1): this {
    this.on({ t: 'up' })
    return this.answer(
      { snapshot: content === null ? { type: null } : { type: typeOf('text').uri, data: content }, own: [] },
      v,
    )
  }

  edit(op: unknown): this {
    return this.on({ t: 'edit', change: { op } })
  }

  create(data: string): this {
    return this.on({ t: 'edit', change: { create: { type: 'text', data } } })
  }

  answer(
    body:
      | { segments: Segment[]; hash?: string; submitted?: WireName }
      | { snapshot: { type: string | null; data?: unknown }; own: WireCommitted[] },
    v: number,
  ): this {
    const frame = { a: 'h.catchup', ...ADDRESS, from: this.state.replica.v, v, ...body } as CatchUpAnswer
    return this.on({ t: 'answer', frame })
  }

  remote(v: number, change: WireChange, src = 'other', seq = v + 1): this {
    return this.on({ t: 'op', frame: { a: 'op', ...ADDRESS, v, src, seq, ...change } })
  }

  ack(v: number, seq: number, src = 'me', again = false): this {
    return this.on({ t: 'op', frame: { a: 'op', ...ADDRESS, v, src, seq, ...(again && { again: true }) } })
  }

  refuse(code: string, seq: number, src = 'me'): this {
    return this.on({ t: 'op', frame: { a: 'op', ...ADDRESS, src, seq, error: { code, message: code } } })
  }

  saved(n = this.state.logged): this {
    return this.on({ t: 'saved', n })
  }

  /** The frames that were sent since the last call. */
  take(): ClientFrame[] {
    return this.sent.splice(0)
  }

  takeOps(): Submit[] {
    return this.take().filter(frame => frame.a === 'op')
  }

  #perform(effects: ReturnType<typeof next>[1]): void {
    let n = 0
    this.effects.push(...effects)
    for (const effect of effects) {
      if (effect.t === 'append') {
        this.log.push(effect.event)
        n = effect.n
      } else if (effect.t === 'send') this.sent.push(effect.frame)
      else if (effect.t === 'show') this.shown.push(...effect.changes)
    }
    if (n > 0 && this.saves) this.saved(n)
  }
}
