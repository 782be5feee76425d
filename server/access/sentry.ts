/**
 * Stands between a session and its client once it is known who that is, for as long as the token is good.
 *
 *   good  ->  expired        the token ran out: the client is told, and nothing passes either way
 *     ^          |
 *     +----------+           a new token of the same principal; what waited is told, if it may still be heard
 *
 * Where no new token comes within HOLDFAST_TOKEN_GRACE_MS, or a wrong one, the session ends. A client that does not speak
 * our frames cannot bring one, and ends at once.
 */

import { type ErrorCode, HoldfastError } from '../../ops/errors.ts'
import type { WireError } from '../../ops/protocol.ts'
import { addressOf } from '../gateway/address.ts'
import type { Frame } from '../gateway/schemas.ts'
import { codedError, wireError } from '../gateway/wire.ts'
import type { Settings } from '../settings.ts'
import type { Principal } from './access.ts'
import { docsOfPresence } from './channels.ts'
import type { Gate, GateParts, Verdict } from './gate.ts'
import { Line } from './line.ts'
import { mayReadAny } from './rights.ts'
import { identify } from './tokens.ts'

type Message = Record<string, unknown>

/** The session, as far as its sentry is concerned. */
export interface Guarded {
  /** Whether the client speaks our frames. */
  readonly holdfast: boolean
  say(message: Message): void
  close(code: ErrorCode): void
}

export type SentryParts = GateParts & {
  readonly settings: Pick<Settings, 'TOKEN_GRACE_MS'>
}

type State =
  | { readonly name: 'good'; readonly cancel: () => void }
  | { readonly name: 'expired'; readonly cancel: () => void; readonly held: Message[] }
  | { readonly name: 'closed' }

/** Messages that wait for a new token; a client that has missed more connects again. */
const HELD = 10_000

export class Sentry {
  readonly #parts: SentryParts
  readonly #gate: Gate
  readonly #session: Guarded
  readonly #line = new Line()
  #state: State = { name: 'good', cancel: () => {} }
  /** Reviews and renewals, one after the other. */
  #turns: Promise<void> = Promise.resolve()
  /** A new token is on its way. */
  #renewing = false
  /** A review was asked for meanwhile. */
  #due = false

  constructor(parts: SentryParts, gate: Gate, session: Guarded) {
    this.#parts = parts
    this.#gate = gate
    this.#session = session
    this.#trust(gate.rights.principal)
  }

  get principal(): string {
    return this.#gate.rights.principal.id
  }

  close(): void {
    if (this.#state.name === 'closed') return
    this.#state.cancel()
    this.#state = { name: 'closed' }
    this.#gate.close()
  }

  // ---- from the client ----

  /** Hands on what may go on of the frame, behind the frames before it; the rest is answered. */
  admit(frame: Frame, go: (frame: Frame) => void): void {
    if (frame.a === 'h.token') this.#take(frame)
    else if (this.#state.name === 'expired' && frame.a !== 'pp')
      this.#refuse(frame, codedError('TOKEN_EXPIRED'))
    else
      this.#line.add(this.#judge(frame), verdict => {
        if (verdict.name === 'failed') this.#refuse(frame, verdict.error)
        else this.#pass(frame, verdict, go)
      })
  }

  #judge(frame: Frame) {
    const judged = (verdict: Verdict) => ({ name: 'judged', ...verdict }) as const
    const verdict = this.#gate.judge(frame)
    if (!(verdict instanceof Promise)) return judged(verdict)
    return verdict.then(
      judged,
      error => ({ name: 'failed', error: wireError(error, this.#parts.report) }) as const,
    )
  }

  #pass(frame: Frame, verdict: Verdict, go: (frame: Frame) => void): void {
    if (this.#state.name === 'closed') return
    if (this.#state.name === 'expired' && frame.a !== 'pp') {
      this.#refuse(frame, codedError('TOKEN_EXPIRED'))
      return
    }
    const error = codedError('FORBIDDEN')
    if (verdict.refused.length > 0 && 'c' in frame) {
      const data = Object.fromEntries(verdict.refused.map(id => [id, { error }]))
      this.#session.say({ a: frame.a, c: frame.c, data })
    } else if (!verdict.frame) this.#refuse(frame, error)
    if (verdict.frame) go(verdict.frame)
  }

  /** At once, whether or not the token is good: it tells nothing but that. */
  #refuse(frame: Frame, error: WireError): void {
    this.#session.say({ ...addressOf(frame), error })
  }

  // ---- to the client ----

  /** Whether a message may be told now; if not, it is kept for later. */
  lets(message: Message): boolean {
    if (this.#state.name !== 'expired' || message.a === 'pp') return true
    this.#state.held.push(message)
    if (this.#state.held.length > HELD) this.#session.close('READER_TOO_SLOW')
    return false
  }

  /** Whether an answer about a document may still be told: it was asked for before. */
  mayHear(collection: string, id: string): boolean | Promise<boolean> {
    return this.#gate.mayHear({ collection, id })
  }

  /** Errors and acks tell no content. What names neither document nor channel cannot be told apart, and is not told. */
  #mayTell(message: Message): boolean | Promise<boolean> {
    const { a, c, d, ch, error } = message as {
      a: string
      c?: string
      d?: string
      ch?: string
      error?: object
    }
    if (error !== undefined || a === 'h.token') return true
    if (ch !== undefined) return mayReadAny(this.#gate.rights, docsOfPresence({ ch, c, d }))
    return c !== undefined && d !== undefined && this.mayHear(c, d)
  }

  // ---- the token ----

  /** Until it runs out. */
  #trust({ expires }: Principal): void {
    const { clock } = this.#parts
    if (expires === undefined || this.#state.name === 'closed') return
    const cancel = clock.after(Math.max(0, expires - clock.now()), () => this.#expire())
    this.#state = { name: 'good', cancel }
  }

  #expire(): void {
    if (this.#state.name !== 'good') return
    if (!this.#session.holdfast) {
      this.#session.close('TOKEN_EXPIRED')
      return
    }
    const { clock, settings } = this.#parts
    const cancel = clock.after(settings.TOKEN_GRACE_MS, () => this.#session.close('TOKEN_EXPIRED'))
    this.#state = { name: 'expired', cancel, held: [] }
    this.#session.say({ a: 'h.token', error: codedError('TOKEN_EXPIRED') })
  }

  /** One at a time: nobody may keep a session, or its reviews, waiting with tokens. */
  #take(frame: Extract<Frame, { a: 'h.token' }>): void {
    if (this.#renewing) {
      this.#refuse(frame, codedError('FRAME_MALFORMED', 'There is a token on its way.'))
      return
    }
    this.#renewing = true
    void this.#inTurn(async () => {
      await this.#renew(frame.token)
      this.#renewing = false
      if (this.#due) void this.review()
    })
  }

  async #renew(token: string): Promise<void> {
    try {
      const principal = await identify(this.#parts, token)
      if (this.#state.name === 'closed') return
      if (principal.id !== this.principal)
        throw new HoldfastError('TOKEN_INVALID', "The token is somebody else's.")
      this.#state.cancel()
      this.#gate.rights.principal = principal
      await this.#review()
      this.#session.say({ a: 'h.token' })
      await this.#tellHeld()
      this.#trust(principal)
    } catch (error) {
      const told = wireError(error, this.#parts.report)
      this.#session.say({ a: 'h.token', error: told })
      this.#session.close(told.code as ErrorCode)
    }
  }

  /** What comes meanwhile is told as well, in its order. */
  async #tellHeld(): Promise<void> {
    const state = this.#state
    if (state.name !== 'expired') return
    for (const message of state.held) if (await this.#mayTell(message)) this.#session.say(message)
    if (this.#state === state) this.#state = { name: 'good', cancel: () => {} }
  }

  // ---- reviews ----

  /** Resolves when it is done; it is put off, and not waited for, while there is a token on its way. */
  review(): Promise<void> {
    this.#due = this.#renewing
    if (this.#due) return Promise.resolve()
    return this.#inTurn(async () => {
      if (this.#state.name !== 'good') return
      // What may still be heard is not known: the client comes again, until there is an answer.
      await this.#review().catch(() => this.#session.close('ACCESS_UNAVAILABLE'))
    })
  }

  async #review(): Promise<void> {
    const { docs, channels } = await this.#gate.review()
    const error = codedError('FORBIDDEN')
    // ShareDB's client takes an `s` that it did not ask for as a fault of its own, an `op` as what it is.
    const a = this.#session.holdfast ? 's' : 'op'
    for (const { collection, id } of docs) this.#session.say({ a, c: collection, d: id, error })
    if (this.#session.holdfast) for (const ch of channels) this.#session.say({ a: 'ps', ch, error })
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turns = this.#turns.then(work)
    return this.#turns
  }
}
