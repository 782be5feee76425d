/**
 * Access where ShareDB does something, whoever had it do so: every snapshot and op that leaves, every op and presence that
 * comes, every query. The gateway has asked before (gate.ts), so that what may be is known here mostly; between that and
 * this a right may have been taken back, and what is not asked for by a frame comes by here only.
 *
 * An agent of this process (`Backend.connect`) is the server itself. Any other without rights may do nothing.
 */

import { HoldfastError } from '../../ops/errors.ts'
import type { Agent, Backend, SharedbOp } from '../sharedb.ts'
import type { Store } from '../store/store.ts'
import type { Action } from './access.ts'
import { docsOfPresence } from './channels.ts'
import { mayReadAny, type Rights } from './rights.ts'

/** To be called behind the steps that know an op which was committed before: that is acknowledged, whatever was taken back. */
export function guard(share: Backend, store: Store): void {
  share.use('op', ({ agent, collection, id }, next) => {
    settle(mayRead(agent, collection, id), next)
  })
  share.use('readSnapshots', (read, next) => {
    const checks = read.snapshots.map(async snapshot => {
      if (!(await mayRead(read.agent, read.collection, snapshot.id)))
        read.rejectSnapshotRead(snapshot, new HoldfastError('FORBIDDEN'))
    })
    Promise.all(checks).then(() => next(), next)
  })
  share.use('query', ({ agent, collection }, next) => {
    settle(
      ask(agent, rights => rights.may('read', collection, null)),
      next,
    )
  })
  share.use('submit', ({ agent, collection, id, op }, next) => {
    const allowed = ask(agent, rights => rights.may(actionOf(op), collection, id))
    settle(allowed, error =>
      error ? next(error) : claim(agent, op.src, store).then(ok => settle(ok, next), next),
    )
  })
  share.use('receivePresence', ({ agent, presence }, next) => {
    const rights = rightsOf(agent)
    if (rights) {
      const { id, name } = rights.principal
      presence.who = { id, ...(name !== undefined && { name }) }
    }
    next()
  })
  share.use('sendPresence', ({ agent, presence }, next) => {
    settle(
      ask(agent, rights => mayReadAny(rights, docsOfPresence(presence))),
      next,
    )
  })
}

export const actionOf = ({ del }: Pick<SharedbOp, 'del'>): Action => (del ? 'manage' : 'write')

type Answer = boolean | Promise<boolean>

export const rightsOf = (agent: Agent): Rights | undefined => agent.custom.rights as Rights | undefined

function ask(agent: Agent, question: (rights: Rights) => Answer): Answer {
  if (agent.stream.isServer) return true
  const rights = rightsOf(agent)
  return rights ? question(rights) : false
}

/** A collection by its own name, whatever projection of it was asked for. */
const mayRead = (agent: Agent, collection: string, id: string): Answer =>
  ask(agent, rights => rights.may('read', collection, id))

/** Keeps for ever that the src is this principal's; false if it is another's. */
async function claim(agent: Agent, src: string | undefined, store: Store): Promise<boolean> {
  const rights = rightsOf(agent)
  if (!rights || src === undefined) return true
  if (rights.srcs.has(src)) return true
  const { id } = rights.principal
  if ((await store.claim(src, id)) !== id) return false
  rights.srcs.add(src)
  return true
}

function settle(answer: Answer, next: (error?: Error) => void): void {
  const go = (may: boolean) => (may ? next() : next(new HoldfastError('FORBIDDEN')))
  if (typeof answer === 'boolean') go(answer)
  else answer.then(go, next)
}
