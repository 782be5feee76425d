/**
 * What the session of a principal may say and hear. Each frame is judged before it goes on; what was begun is reviewed
 * while it lasts, since a right may be taken back.
 *
 * Law: a `src` is of one principal. A session uses its own, and sends ops of earlier ones that were its principal's, or
 * nobody's yet: who writes first under a src keeps it (`Store.claim`).
 */

import { HoldfastError } from '../../ops/errors.ts'
import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Clock } from '../clock.ts'
import type { Frame } from '../gateway/schemas.ts'
import type { Report } from '../report.ts'
import type { Agent } from '../sharedb.ts'
import type { Store } from '../store/store.ts'
import type { Access, Principal } from './access.ts'
import { docsOf, docsOfPresence } from './channels.ts'
import { actionOf } from './guard.ts'
import { type Need, needOf } from './needs.ts'
import { mayReadAny, Rights } from './rights.ts'
import type { LiveSrcs } from './srcs.ts'

export interface GateParts {
  readonly access: Access
  readonly store: Store
  readonly srcs: LiveSrcs
  readonly report: Report
  readonly clock: Clock
}

/** What goes on of a frame, and which of its documents are refused; of a frame that is refused as a whole, nothing. */
export interface Verdict {
  readonly frame: Frame | null
  readonly refused: readonly string[]
}

export interface Lost {
  /** Documents that were followed. */
  readonly docs: readonly DocKey[]
  /** Channels that were listened to. */
  readonly channels: readonly string[]
}

/** Rejects with `FORBIDDEN` if `src` is another principal's. Close it again. */
export async function openGate(
  parts: GateParts,
  principal: Principal,
  src: string,
  agent: Agent,
): Promise<Gate> {
  const { store, srcs } = parts
  const refusal = () => new HoldfastError('FORBIDDEN', "This src is somebody else's; take a new one.")
  if (!srcs.take(src, principal.id)) throw refusal()
  try {
    const owner = await store.ownerOf(src)
    if (owner !== null && owner !== principal.id) throw refusal()
    const rights = new Rights(parts, principal)
    agent.custom.rights = rights
    return new Gate(parts, rights, src, agent)
  } catch (error) {
    srcs.release(src)
    throw error
  }
}

export class Gate {
  readonly rights: Rights
  readonly #parts: GateParts
  readonly #src: string
  readonly #agent: Agent

  constructor(parts: GateParts, rights: Rights, src: string, agent: Agent) {
    this.#parts = parts
    this.rights = rights
    this.#src = src
    this.#agent = agent
  }

  close(): void {
    this.#parts.srcs.release(this.#src)
  }

  /** Never rejects but with `STORE_FAILED` and `ACCESS_UNAVAILABLE`. */
  judge(frame: Frame): Verdict | Promise<Verdict> {
    const need = needOf(frame)
    if (need.kind === 'each' && 'b' in frame) return this.#judgeEach(frame, need)
    const may = need.kind === 'any' ? mayReadAny(this.rights, need.docs) : true
    const name = frame.a === 'op' ? frame : frame.a === 'h.catchup' ? frame.submit : undefined
    if (!name) return then(may, verdictOf(frame))
    // Asked now, to be known when it is the op's turn.
    const { c, d } = frame as { c: string; d: string }
    const write = may === false || this.rights.may('del' in name ? actionOf(name) : 'write', c, d)
    const own = this.#mayUse(name.src ?? this.#src)
    if (may === true && typeof write === 'boolean' && own === true) return verdictOf(frame)(true)
    return Promise.all([may, own, write]).then(([may, own]) => verdictOf(frame)(may && own))
  }

  /** Whether an answer about a document may still be told. */
  mayHear({ collection, id }: DocKey): boolean | Promise<boolean> {
    return this.rights.may('read', collection, id)
  }

  /** Asks again for what is followed and heard, and ends what may not be read any more. Rejects with `ACCESS_UNAVAILABLE`. */
  async review(): Promise<Lost> {
    const followed = this.#followed()
    const channels = this.#channels()
    const asked = new Map([...followed, ...channels.flatMap(docsOf)].map(key => [keyText(key), key]))
    const lost = new Set((await this.rights.review([...asked.values()])).map(keyText))
    const docs = followed.filter(key => lost.has(keyText(key)))
    for (const { collection, id } of docs) this.#agent.subscribedDocs[collection]?.[id]?.destroy()
    const left = channels.filter(channel => !docsOf(channel).some(key => this.rights.isReader(key)))
    for (const channel of left) this.#leave(channel)
    return { docs, channels: left }
  }

  async #judgeEach(
    frame: Extract<Frame, { a: 'bf' | 'bs' | 'bu' }>,
    { collection, ids }: Extract<Need, { kind: 'each' }>,
  ): Promise<Verdict> {
    const may = await Promise.all(ids.map(id => this.rights.may('read', collection, id)))
    const refused = ids.filter((_, i) => !may[i])
    if (refused.length === 0) return { frame, refused }
    if (refused.length === ids.length) return { frame: null, refused }
    const gone = new Set(refused)
    const left = Array.isArray(frame.b)
      ? frame.b.filter(id => !gone.has(id))
      : Object.fromEntries(Object.entries(frame.b).filter(([id]) => !gone.has(id)))
    return { frame: { ...frame, b: left } as Frame, refused }
  }

  #mayUse(src: string): boolean | Promise<boolean> {
    if (src === this.#src || this.rights.srcs.has(src)) return true
    const { store, srcs } = this.#parts
    const { id } = this.rights.principal
    if (srcs.isOfAnother(src, id)) return false
    return store.ownerOf(src).then(owner => {
      if (owner === id) this.rights.srcs.add(src)
      return owner === null || owner === id
    })
  }

  #followed(): DocKey[] {
    return Object.entries(this.#agent.subscribedDocs).flatMap(([collection, docs]) =>
      Object.keys(docs).map(id => ({ collection, id })),
    )
  }

  #channels(): string[] {
    const { subscribedPresences, presenceRequests } = this.#agent
    return [...new Set([...Object.keys(subscribedPresences), ...Object.keys(presenceRequests)])]
  }

  /** Says goodbye there, as ShareDB does when its stream ends; it forgets who only announced and did not listen. */
  #leave(channel: string): void {
    const { subscribedPresences, presenceRequests } = this.#agent
    const stream = subscribedPresences[channel]
    if (stream) {
      stream.destroy()
      return
    }
    const requests = Object.values(presenceRequests[channel] ?? {})
    delete presenceRequests[channel]
    for (const request of requests) {
      const goodbye = { ...request, p: null, pv: request.pv + 1 }
      if (docsOfPresence(request).length > 0) this.#agent._broadcastPresence(goodbye, () => {})
    }
  }
}

const verdictOf =
  (frame: Frame) =>
  (may: boolean): Verdict => ({ frame: may ? frame : null, refused: [] })

const then = <T>(answer: boolean | Promise<boolean>, go: (may: boolean) => T): T | Promise<T> =>
  typeof answer === 'boolean' ? go(answer) : answer.then(go)
