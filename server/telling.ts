/**
 * How those who follow a document are told of its ops: what is published together goes to all of them as one thing, of which each
 * op is one object and becomes one text, with the receipt in it. ShareDB makes a copy of each op for each subscriber, lest a step
 * of its middleware change it; ours do not.
 *
 * Laws: who follows a document is told each op once, whether it was published or crossed an edit of theirs; and what an edit
 * was made on top of before it is acknowledged.
 */

import type { Agent, Backend, OpStream, SharedbOp } from './sharedb.ts'

/** Ops of a document that were published together, in their order. To ShareDB, which only asks for `v`, it is the last of them. */
export class Published {
  readonly ops: readonly SharedbOp[]
  readonly srcs: ReadonlySet<string | undefined>
  readonly v: number
  #message: ReturnType<typeof messageOf> | ManyOps | null = null

  constructor(ops: readonly SharedbOp[]) {
    this.ops = ops
    this.srcs = new Set(ops.map(({ src }) => src))
    this.v = ops.at(-1)!.v!
  }

  /** For `Agent.send`; the session takes it apart. */
  get message(): ReturnType<typeof messageOf> | ManyOps {
    this.#message ??= this.#made()
    return this.#message
  }

  #made(): ReturnType<typeof messageOf> | ManyOps {
    const messages = this.ops.map(publishedMessage)
    const [first] = messages as [ReturnType<typeof messageOf>]
    return messages.length === 1 ? first : { a: 'ops', c: first.c, d: first.d, messages }
  }
}

/** Messages that go out one by one, to one client after the other. */
export interface ManyOps {
  readonly a: 'ops'
  readonly c: string
  readonly d: string
  readonly messages: readonly Record<string, unknown>[]
  readonly [field: string]: unknown
}

/** Has an agent tell what is published that way. */
export function tellAsPublished(agent: Agent): void {
  agent._onOp = onOp
  agent._sendOp = sendOp
}

function onOp(this: Agent, collection: string, id: string, data: SharedbOp | Published): void {
  const published = data instanceof Published ? data : new Published([data])
  const stream = this.subscribedDocs[collection]?.[id]
  const told = stream?.told ?? 0
  if (stream) stream.told = Math.max(told, published.v + 1)
  if (published.ops[0]!.v! < told || published.srcs.has(this.src ?? this.clientId)) {
    const left = published.ops.filter(op => op.v! >= told && !this._isOwnOp(collection, op))
    if (left.length > 0) tell(this, collection, id, new Published(left))
  } else tell(this, collection, id, published)
}

function tell(agent: Agent, collection: string, id: string, published: Published): void {
  const { backend } = agent
  const { ops } = published
  const [op] = ops
  if (backend.projections[collection] || agent.stream.isServer) {
    const { _onOp } = Object.getPrototypeOf(agent) as Agent
    // What is left out for a projection is left out of a copy.
    for (const each of ops) _onOp.call(agent, collection, id, each)
  } else if (agent._isOpFromCollidingChannel(collection, id, op!)) return
  else if (!backend.middleware.op) agent.send(published.message)
  // Who may read one of them may read all of them.
  else
    backend.trigger('op', agent, { collection, id, op: op! }, error => {
      if (!error) agent.send(published.message)
    })
}

function sendOp(this: Agent, collection: string, id: string, op: SharedbOp): void {
  this.send(messageOf(collection, id, op))
}

const messages = new WeakMap<SharedbOp, ReturnType<typeof messageOf>>()

/** The same for all. */
function publishedMessage(op: SharedbOp): ReturnType<typeof messageOf> {
  const message = messages.get(op) ?? messageOf(op.c!, op.d!, op)
  messages.set(op, message)
  return message
}

function messageOf(c: string, d: string, { v, src, seq, hash, ...change }: SharedbOp) {
  const { op, create, del } = change
  const body = create ? { create } : del ? { del } : { op }
  return { a: 'op', c, d, v, src, seq, ...body, ...(hash !== undefined && { hash }) }
}

/**
 * ShareDB tells, with the answer to an edit, what it has crossed. Who follows the document is told that as it is published, and
 * `hurry` sees to it that it was; what is left has come from another server, and was not heard of yet.
 */
export function tellNothingTwice(
  share: Backend,
  hurry: (collection: string, id: string, stream: OpStream) => void,
): void {
  share.use('afterWrite', ({ agent, collection, id, ops }, next) => {
    const stream = agent.subscribedDocs[collection]?.[id]
    if (stream && ops.length > 0) {
      hurry(collection, id, stream)
      const { told } = stream
      stream.told = Math.max(told, ops.at(-1)!.v! + 1)
      ops.splice(0, ops.length, ...ops.filter(({ v }) => v! >= told))
    }
    next()
  })
}
