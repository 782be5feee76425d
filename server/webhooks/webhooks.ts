/**
 * Tells other programs what changed: POST {collection, changes} to each webhook, as the change feed has it.
 *
 *   idle --changes--> pending --2xx--> idle
 *                       |   ^
 *                       +---+  anything else: again after a pause that doubles, with jitter, for ever
 *
 * What is pending is written down, with its id and its very body, before it is sent, and the cursor moves only when it was
 * taken. So a delivery goes on after a restart as it was, under the same id; of several servers on one database that send
 * it, one moves the cursor. At least once: a receiver passes over an id that it has seen. Edits never wait for any of it.
 *
 * The first delivery of a new webhook begins with everything that is there.
 */

import { hash } from 'node:crypto'
import { typeOf } from '../../types/index.ts'
import type { Gateway } from '../gateway/gateway.ts'
import type { Webhook } from './config.ts'
import { post } from './post.ts'
import { signatureOf } from './signature.ts'

/** Changes in one delivery. */
const PAGE_SIZE = 100
/** Pauses between attempts: first, and longest, ms. */
const FIRST_MS = 1000
const LONGEST_MS = 300_000
/** How long to sleep where nothing wakes it, ms. */
const QUIET_MS = 60_000

/** How far a webhook is in a collection. */
interface Standing {
  readonly after: number
  readonly pending: { readonly id: string; readonly to: number; readonly body: string } | null
}

/** Answers what ends them. */
export function startWebhooks(gateway: Gateway, hooks: readonly Webhook[]): () => Promise<void> {
  const end = new AbortController()
  const runs = hooks.flatMap(hook =>
    hook.collections.map(collection => new Courier(gateway, hook, collection, end.signal).run()),
  )
  return async () => {
    end.abort()
    await Promise.all(runs)
  }
}

class Courier {
  readonly #gateway: Gateway
  readonly #hook: Webhook
  readonly #collection: string
  readonly #signal: AbortSignal
  /** The cursor; the address is hashed, for there may be a secret in it. */
  readonly #name: string
  #failures = 0

  constructor(gateway: Gateway, hook: Webhook, collection: string, signal: AbortSignal) {
    this.#gateway = gateway
    this.#hook = hook
    this.#collection = collection
    this.#signal = signal
    this.#name = `webhook ${hash('sha256', hook.url, 'hex').slice(0, 32)} ${JSON.stringify(collection)}`
  }

  /** Never rejects. */
  async run(): Promise<void> {
    while (!this.#signal.aborted && !this.#gateway.feed.closed) {
      const woken = new AbortController()
      const either = AbortSignal.any([this.#signal, woken.signal])
      const waiting = this.#gateway.feed.wait(this.#collection, QUIET_MS, either)
      try {
        const delivered = await this.#step()
        if (this.#failures > 0) this.#gateway.report(`webhook ${this.#where} takes deliveries again`)
        this.#failures = 0
        if (delivered) woken.abort()
        await waiting
      } catch (error) {
        woken.abort()
        if (!this.#signal.aborted) await this.#rest(error)
      }
    }
  }

  /** Sends what is pending or has come; answers whether there was anything. */
  async #step(): Promise<boolean> {
    const { store } = this.#gateway
    const written = await store.memo(this.#name)
    const standing: Standing = written === null ? { after: 0, pending: null } : JSON.parse(written)
    const pending = standing.pending ?? (await this.#next(standing.after))
    if (pending === null) return false
    const noted = JSON.stringify({ after: standing.after, pending })
    // Another server was first: look again.
    if (standing.pending === null && !(await store.changeMemo(this.#name, written, noted))) return true
    await this.#send(pending)
    await store.changeMemo(this.#name, noted, JSON.stringify({ after: pending.to, pending: null }))
    return true
  }

  async #next(after: number): Promise<Standing['pending']> {
    const { store } = this.#gateway
    const found = await store.changed(this.#collection, { after, limit: PAGE_SIZE })
    if (found.length === 0) return null
    const changes = found.map(({ change, id, type, v, at }) => ({
      change,
      id,
      type: type && typeOf(type).name,
      v,
      at,
    }))
    const to = changes.at(-1)!.change
    // Of another epoch the same numbers are other changes.
    const id = hash('sha256', JSON.stringify([store.epoch, this.#name, after, to]), 'hex').slice(0, 32)
    return { id, to, body: JSON.stringify({ collection: this.#collection, changes }) }
  }

  async #send({ id, body }: NonNullable<Standing['pending']>): Promise<void> {
    const { settings, clock } = this.#gateway
    const timestamp = Math.floor(clock.now() / 1000)
    const status = await post({
      url: this.#hook.url,
      body,
      network: settings.WEBHOOK_NETWORKS,
      signal: this.#signal,
      headers: {
        'Content-Type': 'application/json',
        'X-Holdfast-Delivery': id,
        'X-Holdfast-Timestamp': String(timestamp),
        'X-Holdfast-Signature': signatureOf(this.#hook.secret, timestamp, body),
      },
    })
    if (status < 200 || status > 299) throw new Error(`it answered ${status}`)
  }

  /** The operator is told when it begins to fail. Half of a pause is chance, so that receivers are not asked in step. */
  async #rest(error: unknown): Promise<void> {
    if (this.#failures === 0)
      this.#gateway.report(`webhook ${this.#where} fails; it is tried again (${(error as Error).message})`)
    const most = Math.min(FIRST_MS * 2 ** this.#failures, LONGEST_MS)
    this.#failures++
    await new Promise<void>(resolve => {
      const done = () => {
        cancel()
        this.#signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#gateway.clock.after(most / 2 + (Math.random() * most) / 2, done)
      this.#signal.addEventListener('abort', done)
    })
  }

  get #where(): string {
    return `${new URL(this.#hook.url).host} (${this.#collection})`
  }
}
