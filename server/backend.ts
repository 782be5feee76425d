/**
 * ShareDB on our store, with the steps that it lacks:
 *
 *   submit   its turn in the document's queue; "is it in the log already?" by one look-up; "is it an op at all?";
 *            may its sender write it?
 *   apply    after the transform: does it fit the document, and does the document stay within its limit?
 *   reply    an ack says `again` when the log had the name before this frame came, else it is a receipt
 *
 * Law (of a submit): a name `(src, seq)` is committed to a document at most once, whatever `v` it comes with, and even
 * after the document was deleted; whoever sends it again gets the version at which it was committed. Another edit under
 * a name, or under a lower seq than the last of its src, is refused.
 */

import { entryOf, HoldfastError } from '../ops/errors.ts'
import { type DocKey, keyText } from '../ops/identity.ts'
import { typeOf } from '../types/index.ts'
import type { Fault } from '../types/type.ts'
import { guard } from './access/guard.ts'
import type { Rights } from './access/rights.ts'
import type { BusPubSub } from './bus/pubsub.ts'
import { Pipe } from './gateway/pipe.ts'
import { type Meter, noMeter } from './meter.ts'
import type { Report } from './report.ts'
import type { Settings } from './settings.ts'
import type { Agent, Backend as ShareBackend, SharedbOp, SubmitContext } from './sharedb.ts'
import { sharedb, tellAsPublished } from './sharedb.ts'
import { openSizes } from './sizes.ts'
import { refusalOf } from './store/adapter.ts'
import { derivedSeal } from './store/seals.ts'
import type { Store } from './store/store.ts'
import { openTurns } from './turns.ts'

export interface Backend {
  readonly share: ShareBackend
  /** Submits an op of the server's own; resolves with the version at which it was committed. */
  submit(key: DocKey, op: SharedbOp): Promise<number>
  /**
   * Submits an op of somebody's, as far as their rights go (null: of the server's own); `again`: it was committed before.
   * Rejects with what a session is answered.
   */
  submitAs(rights: Rights | null, key: DocKey, op: SharedbOp): Promise<{ v: number; again: boolean }>
  /** Resolves when no submit is running or waiting. */
  idle(): Promise<void>
}

const ALREADY = 'ERR_OP_ALREADY_SUBMITTED'
const DELETED = 'ERR_DOC_WAS_DELETED'
const ABSENT = 'ERR_DOC_DOES_NOT_EXIST'

/** `guarded`: an agent may do what its rights say (access/guard.ts); else everything. Without `pubsub` it stays in the process. */
export function openBackend(
  store: Store,
  settings: Settings,
  report: Report,
  guarded = false,
  pubsub?: BusPubSub,
  meter: Meter = noMeter,
): Backend {
  sharedb.logger.setMethods({ info: () => {}, warn: toReport(report), error: toReport(report) })
  const share = new sharedb({
    db: store.db,
    milestoneDb: store.milestones,
    pubsub,
    presence: true,
    doNotForwardSendPresenceErrorsToClient: true,
    errorHandler: error => {
      if (!isOfAccess(error)) report('presence was not sent', error)
    },
  })
  share.on('error', error => report('ShareDB', error))
  pubsub?.serve(share)
  const idle = takeTurns(share, meter)
  refuseKnownAndMalformed(share, store)
  if (guarded) guard(share, store)
  refuseOnTheHeadOnly(share, store)
  refuseMisfits(share, settings)
  sayMore(share)
  share.use('connect', ({ agent }, next) => {
    tellAsPublished(agent)
    next()
  })
  const submitAs = submitting(share)
  const submit: Backend['submit'] = async (key, op) => {
    const { v, again } = await submitAs(null, key, op)
    if (again) throw new sharedb.Error(ALREADY, 'Op already submitted')
    return v
  }
  return { share, idle, submit, submitAs }
}

/** Ops that come by no session go the way of every other: the server's own, and those over HTTP. */
function submitting(share: ShareBackend): Backend['submitAs'] {
  let own: Agent | undefined
  const serverAgent = () => {
    own ??= share.connect().agent
    return own
  }
  return async (rights, { collection, id }, op) => {
    const pipe = rights && new Pipe({ message() {}, end() {} })
    const agent = pipe ? share.listen(pipe) : serverAgent()
    if (rights) agent.custom.rights = rights
    try {
      return await new Promise((resolve, reject) => {
        share.submit(agent, collection, id, op, null, error => {
          const again = (error as { code?: string } | null)?.code === ALREADY
          if (error && !again) reject(error)
          else resolve({ v: op.v!, again })
        })
      })
    } finally {
      pipe?.destroy()
    }
  }
}

const toReport =
  (report: Report) =>
  (...parts: unknown[]) => {
    if (parts.some(isOfAccess)) return
    report('ShareDB', parts.find(part => part instanceof Error) ?? parts.map(describe).join(' '))
  }

/** A right that was taken back while something was on its way is no fault, and what was on its way is nobody's here. */
const isOfAccess = (error: unknown): boolean =>
  ['FORBIDDEN', 'ACCESS_UNAVAILABLE'].includes((error as { code?: string } | null)?.code ?? '')

/** Whatever else ShareDB shows may have a document's content in it. */
const describe = (part: unknown) => {
  const { code, name } = (part ?? {}) as { code?: unknown; name?: unknown }
  return typeof part === 'string' ? part : String(code ?? name ?? typeof part)
}

/** The document of a submit, as the key of a map. */
const keyOf = (submit: SubmitContext) => keyText({ collection: submit.collection, id: submit.id })

function takeTurns(share: ShareBackend, meter: Meter): () => Promise<void> {
  const turns = openTurns()
  const came = new WeakMap<SubmitContext, number>()
  const running = new WeakSet<SubmitContext>()
  const waiters: (() => void)[] = []
  share.use('submit', (submit, next) => {
    came.set(submit, performance.now())
    turns.take(keyOf(submit), () => {
      running.add(submit)
      next()
    })
  })
  // It also ends for an op that ShareDB refused before the queue.
  share.on('submitRequestEnd', (_error, submit) => {
    if (!running.delete(submit)) return
    meter.submitted(performance.now() - came.get(submit)!)
    turns.end(keyOf(submit))
    if (turns.count === 0) for (const resolve of waiters.splice(0)) resolve()
  })
  return () => (turns.count === 0 ? Promise.resolve() : new Promise(resolve => waiters.push(resolve)))
}

function refuseKnownAndMalformed(share: ShareBackend, store: Store): void {
  share.use('submit', (submit, next) => {
    sealOp(submit)
    checkSubmit(submit, store)
      .catch(refusal => {
        // It may rest on what is remembered, which may be behind: look again before it is told to anybody.
        if (!store.forget(submit)) throw refusal
        return checkSubmit(submit, store)
      })
      .then(() => next(), next)
  })
}

/**
 * So may what ShareDB refuses: it applies an op to the document as it is remembered. Only a commit tells where that is
 * behind, and a refused op comes to none. And it takes any op of the same name for the same one; the ledger knows better.
 */
function refuseOnTheHeadOnly(share: ShareBackend, store: Store): void {
  share.use('submit', (submit, next) => {
    const { v, create } = submit.op
    const run = submit.submit
    submit.submit = done =>
      run.call(submit, refusal => {
        const { code } = (refusal ?? {}) as { code?: string }
        const told = refusal && entryOf(code).fate !== 'retry' && (store.forget(submit) || code === ALREADY)
        if (!told) return done(refusal)
        // ShareDB has given a create without a version that of the document which it found.
        if (create) submit.op.v = v
        checkSubmit(submit, store).then(() => run.call(submit, done), done)
      })
    next()
  })
}

/** The store takes the seal from the op's metadata; the op itself is changed by transforming. */
function sealOp({ op, extra }: SubmitContext): void {
  const { m, src: _src, seq: _seq, v, ...change } = op
  const seal = extra?.seal ?? derivedSeal(v, JSON.stringify(change))
  op.m = { ...m, seal, ...(extra?.restored !== undefined && { restored: extra.restored }) }
}

/** Throws what the submit is to be answered with. */
async function checkSubmit({ collection, id, op }: SubmitContext, store: Store): Promise<void> {
  const key = { collection, id }
  if (op.src !== undefined && op.seq !== undefined) {
    const refusal = await store.refusalOf(key, { src: op.src, seq: op.seq }, String(op.m?.seal))
    if (refusal) throw refusalOf(op, refusal)
  }
  const head = await store.head(key, { v: op.v ?? 0 })
  refuseDeletingNothing(op, head)
  // An op on the head is checked together with the document, one that is newer is refused by ShareDB.
  if (!('op' in op) || op.v === undefined || op.v === null || op.v >= head.v) return
  const base = await store.typeAt(key, op.v)
  if (base === null) return
  // ShareDB would transform it by the functions of the type that came after.
  if (base !== head.type) throw new sharedb.Error(DELETED, 'Document was deleted')
  refuse(typeOf(base).checkOp(op.op))
}

/** ShareDB would commit the deletion of what is not there. */
function refuseDeletingNothing({ del }: SharedbOp, { v, type }: { v: number; type: string | null }): void {
  if (del && type === null) throw new sharedb.Error(v > 0 ? DELETED : ABSENT, 'Nothing to delete')
}

function refuse(fault: Fault | null): void {
  if (fault) throw new HoldfastError(fault.code, fault.message)
}

function refuseMisfits(share: ShareBackend, settings: Settings): void {
  const sizes = openSizes(settings.DOCUMENT_BYTES)
  share.use('apply', (submit, next) => {
    try {
      const { op, snapshot, extra } = submit
      // After the transform: whatever it was transformed over came in between.
      if (extra?.exact !== undefined && op.v !== extra.exact) throw new HoldfastError('VERSION_MISMATCH')
      // Again: somebody else may have deleted it since it was asked for.
      if (snapshot) refuseDeletingNothing(op, snapshot)
      if (op.create && sizes.refusesNew(keyOf(submit), op.create.data))
        throw new HoldfastError('DOCUMENT_TOO_LARGE')
      if ('op' in op && snapshot?.type) {
        const type = typeOf(snapshot.type)
        refuse(type.check(op.op, snapshot.data))
        if (sizes.refuses(keyOf(submit), type, snapshot.data, op.op))
          throw new HoldfastError('DOCUMENT_TOO_LARGE')
      }
      next()
    } catch (error) {
      next(error as Error)
    }
  })
}

/** The end of a submit and the reply to it follow each other in one turn of the event loop. */
function sayMore(share: ShareBackend): void {
  share.on('submitRequestEnd', (error, { agent, op }) => {
    agent.custom.again = (error as { code?: string } | null)?.code === ALREADY
    agent.custom.hash = error ? undefined : op.hash
  })
  share.use('reply', ({ agent, request, reply }, next) => {
    if (request.a === 'op' && agent.custom.again) reply.again = true
    if (request.a === 'op' && agent.custom.hash) reply.hash = agent.custom.hash
    next()
  })
}
