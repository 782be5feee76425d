/** A tab's side of the hub: its handles, what it asked, and the hub that it talks to now, if there is one. */

import type { Change, Content } from '../../ops/change.ts'
import { HoldfastError, isErrorCode } from '../../ops/errors.ts'
import type { DocKey, Name } from '../../ops/identity.ts'
import type { TypeName } from '../../types/type.ts'
import type { Client, ClientEvents, KnownDoc, Loss, Metrics, StorageFacts } from '../api.ts'
import type { FromHub, FromTab, Question, Wish } from '../hub/messages.ts'
import type { Peek } from '../hub/peek.ts'
import type { Port } from '../hub/port.ts'
import { Handle, type Listener } from './handle.ts'
import type { Note } from './note.ts'

type Listeners = { [E in keyof ClientEvents]: Set<ClientEvents[E]> }

export type HubPort = Port<FromHub, FromTab>

export interface AppFunctions {
  /** Version of the app's schema, to which `lift` leads; default 0. */
  readonly schema?: number | undefined
  readonly token?: (() => Promise<string | null>) | undefined
  /** `change`, made for version `from` of the app's schema, for the present one; null: it cannot be. */
  readonly lift?: ((change: Change, from: number, key: DocKey) => Change | null) | undefined
}

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
  baseOf(name: Name): Promise<Content | null>
  detach(): Promise<void>
}

export class Tab {
  readonly id: string
  readonly #handles = new Map<string, Handle>()
  readonly #asked = new Map<number, Asked>()
  readonly #findNote: () => Note | null
  #note: Note | null = null
  readonly #listeners: Listeners = { phase: new Set(), loss: new Set() }
  readonly #app: AppFunctions
  readonly #peek: Peek | null
  /** Documents that are being looked for in the device's log. */
  readonly #looks = new Set<Promise<void>>()
  #port: HubPort | null = null
  #phase: Client['phase'] = 'connecting'
  #loss: Loss | null = null
  #count = 0
  /** This tab paused the exchange; the next hub is told so. */
  #paused = false
  #batch: FromTab[] | null = null
  #closed = false
  /** Whether the hub is there, for whoever looks after it. */
  onHeard: () => void = () => {}
  onGone: () => void = () => {}
  /** The log has an edit that was made here; told once. */
  onSaved: (() => void) | null = null

  /**
   * `id` is this tab's alone, for ever; `findNote` gives where the tab notes what the hub asks it to, and is asked when there
   * is a hub, because the first look at localStorage waits for the disk; `peek` reads the device's log.
   */
  constructor(
    id: string,
    app: AppFunctions = {},
    findNote: () => Note | null = () => null,
    peek: Peek | null = null,
  ) {
    this.id = id
    this.#peek = peek
    this.#app = app
    this.#findNote = findNote
  }

  get phase(): Client['phase'] {
    return this.#closed ? 'closed' : this.#phase
  }

  get loss(): Loss | null {
    return this.#loss
  }

  keep(collection: string, ids: readonly string[]): Promise<void> {
    return this.#ask({ q: 'keep', collection, ids }) as Promise<void>
  }

  storage(): Promise<StorageFacts> {
    return this.#ask({ q: 'storage' }) as Promise<StorageFacts>
  }

  dismissLoss(): void {
    this.#post({ t: 'dismiss' })
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
    this.#note ??= this.#findNote()
    const noted = this.#note && { noted: this.#note.read() }
    this.#post({ t: 'hello', tab: this.id, schema: this.#app.schema ?? 0, ...noted })
    if (this.#paused) this.#post({ t: 'pause' })
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
    this.#look(handle)
    try {
      await handle.opened
    } catch (error) {
      this.#handles.delete(h)
      throw error
    }
    return this.#attachment(handle)
  }

  #look(handle: Handle): void {
    const look = this.#peek?.look(handle.key).then(view => {
      this.#looks.delete(look!)
      if (view) handle.preview(view)
    })
    if (look) this.#looks.add(look)
  }

  get canLook(): boolean {
    return this.#peek !== null
  }

  /** Resolves when every document that was opened here so far is shown, as far as the device's log has it. */
  async looked(): Promise<void> {
    while (this.#looks.size > 0) await Promise.all(this.#looks)
    this.#peek?.rest()
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
      edit: (change, joins, after) => handle.edit(change, joins, after),
      act: act => handle.act(act),
      announce: state => handle.announce(state),
      saved: () => this.#ask({ q: 'saved', h }) as Promise<void>,
      baseOf: name => this.#ask({ q: 'base', h, name }) as Promise<Content | null>,
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

  /** With what is still on its way to the hub. */
  async journal(): Promise<string> {
    await this.#drained()
    return this.#ask({ q: 'journal' }) as Promise<string>
  }

  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    this.#listeners[event].add(listener)
    return () => this.#listeners[event].delete(listener)
  }

  reconnect(): void {
    this.#post({ t: 'reconnect' })
  }

  pause(): void {
    this.#paused = true
    this.#post({ t: 'pause' })
  }

  resume(): void {
    this.#paused = false
    this.#post({ t: 'resume' })
  }

  metrics(): Promise<Metrics> {
    return this.#ask({ q: 'metrics' }) as Promise<Metrics>
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
      await this.#drained()
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
    for (const listener of this.#listeners.phase) listener('closed')
  }

  /** Resolves when the hub has saved all that was edited here. */
  async #drained(): Promise<void> {
    await Promise.all([...this.#handles.values()].map(handle => handle.drained()))
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
      case 'note':
        this.#note?.write(message.text)
        return
      case 'loss':
        this.#loss = message.loss
        for (const listener of this.#listeners.loss) listener(message.loss)
        return
      case 'pong':
        return
      case 'app':
        void this.#call(message.id, message.wish)
        return
      default:
        if (message.t === 'truth' && message.over > 0 && message.truth.saved) {
          this.onSaved?.()
          this.onSaved = null
        }
        this.#handles.get(message.h)?.told(message)
        if (message.t === 'attached') this.#askAgain(message.h)
    }
  }

  /** Calls a function of the app for the hub. */
  async #call(id: number, wish: Wish): Promise<void> {
    const { token, lift, schema = 0 } = this.#app
    if (wish.q === 'lift' && schema < wish.to) return // a tab of the newer app will know
    try {
      const value = await (wish.q === 'token' ? token?.() : lift?.(wish.change, wish.from, wish.key))
      this.#post({ t: 'app', id, value: value ?? null })
    } catch (reason) {
      this.#post({ t: 'app', id, value: null, error: String(reason) })
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
    for (const listener of this.#listeners.phase) listener(phase)
  }

  #post(message: FromTab): void {
    if (this.#batch) this.#batch.push(message)
    else this.#port?.post(message)
  }
}
