/**
 * Writing over HTTP. An edit has a name `(src, seq)` as on a socket, or the header `Idempotency-Key` gives it one; under a name
 * it is committed once, however often it is sent (backend.ts).
 */

import { hash as hashOf } from 'node:crypto'
import * as v from 'valibot'
import { errors, HoldfastError, isErrorCode } from '../../ops/errors.ts'
import { type DocKey, keyText, type Name, newSrc } from '../../ops/identity.ts'
import { findType, type Type, typeOf } from '../../types/index.ts'
import { wireError } from '../gateway/wire.ts'
import { restoreVersion } from '../restore.ts'
import type { SharedbOp } from '../sharedb.ts'
import { refusalOf } from '../store/adapter.ts'
import { checkCondition, conditionOf, etagOf } from './etag.ts'
import { checkedName } from './names.ts'
import { spendOp } from './rate.ts'
import { type Call, hash, type Receipt, receipt, route, typeName, version } from './route.ts'

const SRC_CHARS = 128
const BATCH = 1000

const change = {
  seal: v.exactOptional(hash),
  v: v.exactOptional(
    v.pipe(version, v.description('The version that it applies to; a create or del may leave it out.')),
  ),
  op: v.exactOptional(v.unknown()),
  create: v.exactOptional(v.strictObject({ type: v.string(), data: v.exactOptional(v.unknown()) })),
  del: v.exactOptional(v.literal(true)),
}
const src = v.pipe(v.string(), v.minLength(1), v.maxLength(SRC_CHARS))
const seq = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER - 1))

const isChange = (op: { v?: number; op?: unknown; create?: unknown; del?: unknown }) =>
  Number('op' in op) + Number(op.create !== undefined) + Number(op.del !== undefined) === 1 &&
  (!('op' in op) || op.v !== undefined)
const SAYS = 'an edit holds exactly one of op, create and del, and an op the version that it applies to'

const oneOp = v.pipe(
  v.strictObject({ src: v.exactOptional(src), seq: v.exactOptional(seq), ...change }),
  v.check(op => isChange(op), SAYS),
  v.check(op => (op.src === undefined) === (op.seq === undefined), 'src and seq stand together'),
)
const batch = v.strictObject({
  ops: v.pipe(
    v.array(
      v.pipe(
        v.strictObject({ collection: v.string(), id: v.string(), src, seq, ...change }),
        v.check(op => isChange(op), SAYS),
      ),
    ),
    v.maxLength(BATCH),
  ),
})
type OneOp = v.InferOutput<typeof oneOp>
type Batch = v.InferOutput<typeof batch>

const opErrors = [
  'OP_MALFORMED',
  'OP_MISFIT',
  'OP_TOO_DEEP',
  'OP_ATTRIBUTE',
  'DATA_MALFORMED',
  'TYPE_UNKNOWN',
  'DOCUMENT_TOO_LARGE',
  'NAME_REUSED',
  'SEQ_PASSED',
  'VERSION_MISMATCH',
  'HISTORY_TRIMMED',
  'ERR_DOC_ALREADY_CREATED',
  'ERR_DOC_WAS_DELETED',
  'ERR_DOC_DOES_NOT_EXIST',
  'ERR_OP_VERSION_NEWER_THAN_CURRENT_SNAPSHOT',
  'ERR_MAX_SUBMIT_RETRIES_EXCEEDED',
  'ERR_OT_OP_NOT_APPLIED',
  'ERR_OT_OP_BADLY_FORMED',
] as const

export const postOp = route<object, OneOp>({
  method: 'post',
  path: '/v1/docs/:collection/:id/ops',
  summary: 'One edit: an op, a creation or a deletion (which takes manage).',
  needs: 'write',
  headers: ['Idempotency-Key', 'If-Match', 'If-None-Match'],
  body: oneOp,
  answer: { 'application/json': receipt },
  errors: opErrors,
  async run(call) {
    const { body, key } = call
    const name = body.src === undefined ? keyName(call) : { src: body.src, seq: body.seq! }
    if (name === null)
      throw new HoldfastError(
        'PARAMETER_INVALID',
        'An edit needs src and seq, or the header Idempotency-Key.',
      )
    return submit(call, key, { ...body, ...name }, await exactOf(call, name, body.seal))
  },
})

/** One after the other in a document, so that none passes another that was refused; documents beside each other. */
export const postOps = route<object, Batch>({
  method: 'post',
  path: '/v1/ops',
  summary:
    'Edits of any documents; each is answered for itself, in the order of the list, with a receipt or an error.',
  needs: 'each',
  body: batch,
  answer: {
    'application/json': v.strictObject({
      results: v.array(
        v.union([
          receipt,
          v.strictObject({ error: v.strictObject({ code: v.string(), message: v.string() }) }),
        ]),
      ),
    }),
  },
  errors: [],
  async run(call) {
    const results: unknown[] = []
    const byDoc = Map.groupBy(call.body.ops.entries(), ([, { collection, id }]) =>
      keyText({ collection, id }),
    )
    const inTurn = async (ops: [number, Batch['ops'][number]][]) => {
      let stopped = false
      for (const [i, { collection, id, ...op }] of ops) {
        results[i] = stopped
          ? { error: { code: 'BATCH_STOPPED', message: errors.BATCH_STOPPED.meaning } }
          : await submit(call, checkedKey(call, { collection, id }), op).catch(error => {
              stopped = true
              return { error: wireError(error, call.gateway.report) }
            })
      }
    }
    for (const { collection, id } of call.body.ops) checkedKey(call, { collection, id })
    await Promise.all([...byDoc.values()].map(inTurn))
    return { results }
  },
})

const content = v.strictObject({
  type: v.exactOptional(v.pipe(typeName, v.description('Needed where the document does not exist yet.'))),
  data: v.unknown(),
})

/** Attempts where others create or delete the document meanwhile. */
const ATTEMPTS = 4

export const putDoc = route<object, v.InferOutput<typeof content>>({
  method: 'put',
  path: '/v1/docs/:collection/:id',
  summary: 'Makes the document this, by the difference: what others write meanwhile is kept beside it.',
  needs: 'write',
  headers: ['Idempotency-Key', 'If-Match', 'If-None-Match'],
  body: content,
  answer: { 'application/json': receipt },
  errors: [...opErrors, 'TYPE_MISMATCH'],
  async run(call) {
    const name = keyName(call) ?? freshName()
    // The same request again may find another difference: its content is what tells it from another one.
    const seal = hashOf('sha256', JSON.stringify(call.body), 'hex').slice(0, 32)
    for (let attempt = 1; ; attempt++) {
      const exact = await exactOf(call, name, seal)
      const { change, v } = await changeTo(call)
      if (change === null) return told(call, call.key, { v, unchanged: true })
      try {
        return await submit(call, call.key, { ...change, ...name, seal, v: exact ?? v }, exact)
      } catch (error) {
        const { code } = error as { code?: unknown }
        const stale = isErrorCode(code) && errors[code].fate === 'stale' && code !== 'VERSION_MISMATCH'
        if (!stale || attempt === ATTEMPTS) throw error
      }
    }
  },
})

async function changeTo({ gateway, key, body }: Call<object, v.InferOutput<typeof content>>) {
  const { v, type: uri, data } = await gateway.store.snapshot(key)
  if (uri === null) {
    if (body.type === undefined)
      throw new HoldfastError('FRAME_MALFORMED', 'The document does not exist: the body must name its type.')
    return { v, change: { create: { type: body.type, data: body.data } } }
  }
  const type = typeOf(uri)
  if (body.type !== undefined && body.type !== type.name) throw new HoldfastError('TYPE_MISMATCH')
  checkData(type, body.data)
  const op = type.diff(data, type.create(body.data))
  return { v, change: type.isNoop(op) ? null : { op } }
}

export const deleteDoc = route({
  method: 'delete',
  path: '/v1/docs/:collection/:id',
  summary: 'Deletes a document; its history stays.',
  needs: 'manage',
  headers: ['Idempotency-Key', 'If-Match'],
  answer: { 'application/json': receipt },
  errors: opErrors,
  async run(call) {
    const name = keyName(call) ?? freshName()
    return submit(call, call.key, { ...name, del: true }, await exactOf(call, name))
  },
})

const restoration = v.strictObject({ v: version })

export const restoreDoc = route<object, v.InferOutput<typeof restoration>>({
  method: 'post',
  path: '/v1/docs/:collection/:id/restore',
  summary: 'Makes the document what it was at a version, by a new edit.',
  needs: 'manage',
  body: restoration,
  answer: { 'application/json': receipt },
  errors: [...opErrors, 'VERSION_UNKNOWN'],
  async run(call) {
    const { gateway, response, key, body } = call
    spendOp(gateway, response)
    return told(call, key, { v: await restoreVersion(gateway.backend, gateway.store, key, body.v) })
  },
})

// ---- the way of an edit ----

interface Edit extends Name {
  readonly seal?: string
  readonly v?: number
  readonly op?: unknown
  readonly create?: { type: string; data?: unknown }
  readonly del?: true
}

async function submit(call: Call, key: DocKey, { seal, ...edit }: Edit, exact?: number): Promise<Receipt> {
  const { gateway, rights, response } = call
  spendOp(gateway, response)
  if (edit.create) checkCreate(edit.create)
  await checkSrc(call, edit.src)
  const create = edit.create && { ...edit.create, type: findType(edit.create.type)!.uri }
  const x = { ...(seal !== undefined && { seal }), ...(exact !== undefined && { exact }) }
  const op = { ...edit, ...(create && { create }), ...(exact !== undefined && { v: exact }), x } as SharedbOp
  const { v, again } = await gateway.backend.submitAs(rights, key, op)
  return told(call, key, { v: v + 1, ...(again && { again: true as const }) })
}

async function told({ gateway, response }: Call, key: DocKey, receipt: Receipt): Promise<Receipt> {
  const { store } = gateway
  const found = await store.receiptAt(key, receipt.v)
  if (!response.headersSent) response.set('ETag', etagOf(receipt.v, store.epoch))
  return { ...receipt, ...(found && { hash: found.hash }) }
}

function checkCreate({ type: name, data }: { type: string; data?: unknown }): void {
  const type = findType(name)
  if (!type) throw new HoldfastError('TYPE_UNKNOWN')
  if (data !== undefined) checkData(type, data)
}

function checkData(type: Type, data: unknown): void {
  const fault = type.checkData(data)
  if (fault) throw new HoldfastError(fault.code, fault.message)
}

function checkedKey({ gateway }: Call, key: DocKey): DocKey {
  checkedName(key.collection, gateway.settings)
  checkedName(key.id, gateway.settings)
  return key
}

/** As at the gate (access/gate.ts): a src is of one principal. */
async function checkSrc({ gateway: { srcs, store }, rights }: Call, src: string): Promise<void> {
  if (rights === null) return
  const { id } = rights.principal
  const owner = srcs.isOfAnother(src, id) ? undefined : await store.ownerOf(src)
  if (owner !== null && owner !== id)
    throw new HoldfastError('FORBIDDEN', "This src is somebody else's; take a new one.")
}

/** The name that a key stands for; a key is of one principal. Null without one. */
function keyName({ request, rights }: Call): Name | null {
  const key = request.get('idempotency-key')
  if (key === undefined) return null
  if (key === '' || key.length > 255)
    throw new HoldfastError('PARAMETER_INVALID', 'Idempotency-Key must have 1 to 255 characters.')
  const text = JSON.stringify([rights?.principal.id ?? null, key])
  return { src: `key-${hashOf('sha256', text, 'hex').slice(0, 32)}`, seq: 1 }
}

const freshName = (): Name => ({ src: newSrc(bytes => crypto.getRandomValues(bytes)), seq: 1 })

/**
 * The one version on which the edit may be done, undefined for any. What was committed before is acknowledged whatever the
 * conditions: they were met then.
 */
async function exactOf(
  { gateway: { store }, request, key }: Call,
  name: Name,
  seal?: string,
): Promise<number | undefined> {
  const condition = conditionOf(request, store.epoch)
  const known = await store.versionOf(key, name)
  if (known === null) return checkCondition(condition, await store.head(key))
  const refusal = seal === undefined ? null : await store.refusalOf(key, name, seal)
  if (refusal?.kind === 'another') throw refusalOf({ ...name }, refusal)
  return undefined
}
