/** A tab's side of the hub: its handles, what it asked, and the hub that it talks to now, if there is one. */

import { HoldfastError, isErrorCode } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client, KnownDoc } from '../api.ts'
import type { FromHub, FromTab, Question } from '../hub/messages.ts'
import type { Port } from '../hub/port.ts'
import { Handle, type Listener } from './handle.ts'

export type HubPort = Port<FromHub, FromTab>

interface Asked {
  readonly question: Question
  readonly answer: Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** An open document as its `Doc` uses it. */
export type Attachment = Pick<Handle, 'view' | 'truth' | 'held' | 'edit' | 'act' | 'announce'> & {
  saved(): Promise<void>
  settled(): Promise<void>
  detach(): Promise<void>
}

export class Tab {
  readonly id: string
  readonly #handles = new Map<string, Handle>()
  readonly #asked = new Map<number, Asked>()
  readonly #phaseListeners = new Set<(phase: Client['phase']) => void>()
  readonly #token: (() => Promise<string | null>) | null
  #port: HubPort | null = null
  #phase: Client['phase'] = 'connecting'
  #count = 0
  #batch: FromTab[] | null = null
  #closed = false
  /** Whether the hub is there, for whoever looks after it. */
  onHeard: () => void = () => {}
  onGone: () => void = () => {}

  /** `id` is this tab's alone, for ever; `token` is the app's function, if it has one. */
  constructor(id: string, token: (() => Promise<string | null>) | null = null) {
    this.id = id
    this.#token = token
  }

  get phase(): Client['phase'] {
    return this.#closed ? 'closed' : this.#phase
  }

  /** Whether some edit may not be durable on this device yet. */
  get unsaved(): boolean {
    return [...this.#handles.values()].some(handle => !handle.truth.saved)
  }

  /** A hub, the first or the next: everything is brought to it. */
  meet(port: HubPort): void {
    this.#port?.close()
    this.#port = port
    port.listen(message => this.#port === port && this.#hear(message))
    this.#post({ t: 'hello', tab: this.id })
    for (const handle of this.#handles.values()) {
      if (handle.truth.error?.code === 'LOG_FAILED') this.#mourn(handle.h)
      handle.attach()
    }
    for (const [id, { question }] of this.#asked)
      if (!('h' in question)) this.#post({ t: 'ask', id, question })
  }

  /** The hub is gone; edits wait for the next one. */
  lose(): void {
    this.#port?.close()
    this.#port = null
    this.#setPhase('connecting')
  }

  async attach(key: DocKey, type: TypeName, listener: Listener): Promise<Attachment> {
    if (this.#closed) throw new HoldfastError('CLIENT_CLOSED')
    const h = `${this.id}.${++this.#count}`
    const handle = new Handle(h, key, type, listener, message => this.#post(message))
    this.#handles.set(h, handle)
    if (this.#port) handle.attach()
    try {
      await handle.opened
    } catch (error) {
      this.#handles.delete(h)
      throw error
    }
    return this.#attachment(handle)
  }

  #attachment(handle: Handle): Attachment {
    const { h } = handle
    return {
      get view() {
        return handle.view
      },
      get truth() {
        return handle.truth
      },
      get held() {
        return handle.held
      },
      edit: (change, after) => handle.edit(change, after),
      act: act => handle.act(act),
      announce: state => handle.announce(state),
      saved: () => this.#ask({ q: 'saved', h }) as Promise<void>,
      settled: () => this.#ask({ q: 'settled', h }) as Promise<void>,
      detach: async () => {
        await handle.drained()
        if (!this.#handles.delete(h)) return
        this.#post({ t: 'detach', h })
      },
    }
  }

  /** What `edits` does to documents reaches the hub in one piece. */
  batch(edits: () => void): void {
    if (this.#batch) {
      edits()
      return
    }
    const messages: FromTab[] = []
    this.#batch = messages
    try {
      edits()
    } finally {
      this.#batch = null
      if (messages.length > 0) this.#post({ t: 'batch', messages })
    }
  }

  known(): Promise<readonly KnownDoc[]> {
    return this.#ask({ q: 'known' }) as Promise<readonly KnownDoc[]>
  }

  onPhase(listener: (phase: Client['phase']) => void): () => void {
    this.#phaseListeners.add(listener)
    return () => this.#phaseListeners.delete(listener)
  }

  reconnect(): void {
    this.#post({ t: 'reconnect' })
  }

  wake(): void {
    this.#post({ t: 'wake' })
  }

  ping(): void {
    this.#post({ t: 'ping' })
  }

  /** Lets the hub save what is queued, if there is one, and says goodbye. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#port) {
      await Promise.all([...this.#handles.values()].map(handle => handle.drained()))
      await Promise.allSettled(
        [...this.#asked.values()].map(({ question, answer }) => question.q === 'saved' && answer),
      )
    }
    this.#post({ t: 'bye' })
    for (const { reject } of this.#asked.values()) reject(new HoldfastError('CLIENT_CLOSED'))
    for (const handle of this.#handles.values()) handle.abandon()
    this.#asked.clear()
    this.#handles.clear()
    this.#port?.close()
    this.#port = null
    for (const listener of this.#phaseListeners) listener('closed')
  }

  #ask(question: Question): Promise<unknown> {
    if (this.#closed) return Promise.reject(new HoldfastError('CLIENT_CLOSED'))
    const id = ++this.#count
    let settle!: Pick<Asked, 'resolve' | 'reject'>
    const answer = new Promise<unknown>((resolve, reject) => {
      settle = { resolve, reject }
    })
    this.#asked.set(id, { question, answer, ...settle })
    const handle = 'h' in question ? this.#handles.get(question.h) : null
    if (handle?.attached !== false) this.#post({ t: 'ask', id, question })
    return answer
  }

  #hear(message: FromHub): void {
    this.onHeard()
    switch (message.t) {
      case 'welcome':
      case 'phase':
        this.#setPhase(message.phase)
        return
      case 'answer':
        this.#answered(message)
        return
      case 'gone':
        this.lose()
        this.onGone()
        return
      case 'pong':
        return
      case 'token':
        void this.#giveToken(message.id)
        return
      default:
        this.#handles.get(message.h)?.told(message)
        if (message.t === 'attached') this.#askAgain(message.h)
    }
  }

  async #giveToken(id: number): Promise<void> {
    try {
      this.#post({ t: 'token', id, token: (await this.#token?.()) ?? null })
    } catch (reason) {
      this.#post({ t: 'token', id, token: null, error: String(reason) })
    }
  }

  /** The former hub saved nothing: the next one cannot answer for the edits that may have died with it. */
  #mourn(h: string): void {
    for (const [id, { question, reject }] of this.#asked) {
      if (!('h' in question) || question.h !== h) continue
      this.#asked.delete(id)
      reject(new HoldfastError('LOG_FAILED'))
    }
  }

  /** What was asked of a former hub about this handle. */
  #askAgain(h: string): void {
    for (const [id, { question }] of this.#asked)
      if ('h' in question && question.h === h) this.#post({ t: 'ask', id, question })
  }

  #answered({ id, value, error }: FromHub & { t: 'answer' }): void {
    const asked = this.#asked.get(id)
    if (!asked || !this.#asked.delete(id)) return
    if (error)
      asked.reject(new HoldfastError(isErrorCode(error.code) ? error.code : 'INTERNAL', error.message))
    else asked.resolve(value)
  }

  #setPhase(phase: Client['phase']): void {
    if (phase === this.#phase) return
    this.#phase = phase
    for (const listener of this.#phaseListeners) listener(phase)
  }

  #post(message: FromTab): void {
    if (this.#batch) this.#batch.push(message)
    else this.#port?.post(message)
  }
}
