/** A rescue file (journal.ts) as it comes in: loaded where one is imported only. Pure. */

import * as v from 'valibot'
import { applyChange, type Content, checkChange } from '../../ops/change.ts'
import { isDeeperThan } from '../../ops/depth.ts'
import { HoldfastError } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import { isTypeName, typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import type { WholeReplica } from '../engine/saved.ts'
import { type Journal, VERSION } from './journal.ts'

/** A frame may nest 200 deep (HOLDFAST_JSON_DEPTH); the file has some levels of its own around each change. */
const DEPTH = 220

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const type = v.custom<TypeName>(isTypeName)
const name = v.object({ src: v.pipe(v.string(), v.minLength(1), v.maxLength(255)), seq: count })
const some = v.custom<unknown>(value => value !== undefined)
const change = v.union([
  v.strictObject({ create: v.strictObject({ type, data: some }) }),
  v.strictObject({ op: some }),
  v.strictObject({ del: v.literal(true) }),
])
const content = v.union([v.object({ type, data: some }), v.object({ type: v.null() })])
const docName = v.pipe(
  v.string(),
  v.check(text => nameFault(text) === null),
)
/** That it was tried again is left out: only where it was made may it get another name, if this one was passed. */
const entry = v.object({
  name,
  sealed: v.literal(true),
  seal: v.optional(v.string()),
  change,
  edits: count,
  schema: v.optional(count),
  also: v.optional(v.array(name)),
  after: v.optional(v.array(v.object({ key: v.object({ collection: docName, id: docName }), name }))),
})
const held = v.object({
  names: v.pipe(v.array(name), v.minLength(1)),
  reason: v.object({ code: v.string(), message: v.string() }),
  seal: v.optional(v.string()),
  type,
  original: change,
  base: v.optional(content),
  change: v.nullable(change),
  edits: count,
})
const state = v.object({
  format: v.literal(1),
  src: v.string(),
  seq: count,
  v: v.nullable(count),
  hash: v.optional(v.nullable(v.string())),
  base: content,
  pending: v.array(entry),
  open: v.boolean(),
  held: v.array(held),
})
const file = v.object({
  format: v.literal('holdfast-journal'),
  version: v.literal(VERSION),
  at: v.number(),
  device: v.string(),
  docs: v.array(v.object({ collection: docName, id: docName, state })),
})

/** Reads the text of a file of at most `limit` bytes. Throws `JOURNAL_INVALID` with what is wrong in it. */
export function readJournal(text: string, limit: number): Journal {
  if (isLonger(text, limit)) throw invalid(`it is larger than ${limit} bytes`)
  if (isDeeperThan(text, DEPTH)) throw invalid(`it nests deeper than ${DEPTH} levels`)
  const raw = parse(text)
  const version = (raw as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > VERSION)
    throw invalid('a newer version of this program wrote it; update this one')
  const result = v.safeParse(file, raw, { abortEarly: true })
  if (!result.success) throw invalid(`${v.getDotPath(result.issues[0]) ?? 'the whole'} is not as it must be`)
  const journal = result.output as unknown as Journal
  for (const [i, doc] of journal.docs.entries()) {
    const fault = faultOf(doc.state)
    if (fault !== null) throw invalid(`docs.${i} (${doc.collection}/${doc.id}): ${fault}`)
  }
  return journal
}

const isLonger = (text: string, bytes: number): boolean =>
  text.length > bytes || (text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw invalid('it is not JSON')
  }
}

/** Whether the edits fit what they stand on, as folding them will take for granted. */
function faultOf({ base, pending, held }: WholeReplica): string | null {
  for (const content of [base, ...held.flatMap(({ base }) => base ?? [])]) {
    const fault = content.type === null ? null : typeOf(content.type).checkData(content.data)
    if (fault) return fault.message
  }
  let view: Content = base
  for (const { change } of pending) {
    const fault = checkChange(change, view)
    if (fault) return fault.message
    view = applyChange(view, change)
  }
  for (const { type, original } of held) {
    const fault =
      'op' in original
        ? typeOf(type).checkOp(original.op)
        : 'create' in original
          ? typeOf(original.create.type).checkData(original.create.data)
          : null
    if (fault) return fault.message
  }
  return null
}

const invalid = (what: string) =>
  new HoldfastError('JOURNAL_INVALID', `The file cannot be imported: ${what}.`)
