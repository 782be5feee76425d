/**
 * The lines of an exported collection: one JSON object each, in UTF-8, ended by a line feed. For other programs to read and
 * write, too: what a line must hold is here, in grammar and schemas.
 *
 *   file      = header document* end
 *   document  = doc from? content* span* mark* writer* credits? op*
 *
 *   header    {"holdfast": 1, "kind": "collection", "collection": NAME, "at": MS}
 *   doc       {"doc": ID, "v": HEAD, "hash"?: RECEIPT, "at"?: MS}           begins a document: its ops take it from 0 to HEAD
 *   from      {"from": V, "turns": [[V, TYPE | null]...]}                   its history was trimmed: it begins at V; the
 *                                                                           creates and deletes before that
 *   content   {"content": V, "type": TYPE | null, "data"?: JSON}            the document at V, at or before `from`
 *   span      {"span": V, "n": N, "start": MS, "end": MS, "hash": RECEIPT, "about": [...], "names"?: {...}}
 *                                                                           N ops from V on in summary (ops/sittings.ts), and
 *                                                                           their names and times (packs.ts), if all are trimmed
 *   mark      {"mark": NAME, "v": V, "at": MS}                              a named version
 *   writer    {"writer": SRC, "seq": N, "v": V, "seal": TEXT | null, "who"?: PRINCIPAL}
 *                                                                           its last op, what tells it from another, and whose
 *                                                                           src it is, if it is anybody's
 *   credits   {"credits": V, "srcs": [SRC | null...], "runs": [[N, I]...]}  who wrote what of a trimmed document, at V
 *   op        {"v": V, "src"?: SRC, "seq"?: N, "at": MS, "meta"?: {...}, CHANGE}
 *   CHANGE    = "op": OP | "create": {"type": TYPE, "data"?: JSON} | "del": true
 *   end       {"end": {"documents": N, "ops": N}}                           as many as there are above; without it a file was cut
 *
 * V counts versions from 0, MS are milliseconds since 1970, TYPE is a type's URI, RECEIPT the chain's hash (chain.ts).
 * Ops stand in order and without a gap, from version 0 on; of a trimmed document from the first span on that ends behind
 * `from`, else from `from` on. Spans stand without a gap from version 0 to `from` or beyond. `writer` lines, if there are
 * any, name all srcs, in the order in which they first wrote.
 */

import * as v from 'valibot'
import { isDeeperThan } from '../../ops/depth.ts'

export const FORMAT = 1

/** More than any server takes (HOLDFAST_JSON_DEPTH); what recurses over more may end the process. */
const DEEPEST = 1024

const version = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const time = v.pipe(v.number(), v.safeInteger())
const receipt = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))
const seq = v.pipe(v.number(), v.safeInteger())
const type = v.nullable(v.string())

const isOneChange = (line: { op?: unknown; create?: unknown; del?: unknown }) =>
  Number('op' in line) + Number('create' in line) + Number('del' in line) === 1

const header = v.strictObject({
  holdfast: v.literal(FORMAT),
  kind: v.literal('collection'),
  collection: v.string(),
  at: time,
})

/** The kinds of lines in the order in which they stand in a document; the first key of a line says which it is. */
const schemas = {
  doc: v.strictObject({
    doc: v.string(),
    v: version,
    hash: v.exactOptional(receipt),
    at: v.exactOptional(time),
  }),
  from: v.strictObject({ from: count, turns: v.array(v.strictTuple([version, type])) }),
  content: v.strictObject({ content: version, type, data: v.exactOptional(v.unknown()) }),
  span: v.strictObject({
    span: version,
    n: count,
    start: time,
    end: time,
    hash: receipt,
    about: v.array(v.looseObject({ v: version, n: count })),
    names: v.exactOptional(
      v.strictObject({
        n: count,
        src: v.array(v.string()),
        writer: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(-1))),
        seq: v.array(seq),
        at: v.array(time),
        receipts: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]*$/))),
      }),
    ),
  }),
  mark: v.strictObject({ mark: v.string(), v: version, at: time }),
  writer: v.strictObject({
    writer: v.string(),
    seq,
    v: version,
    seal: v.nullable(v.string()),
    who: v.exactOptional(v.string()),
  }),
  credits: v.strictObject({
    credits: version,
    srcs: v.array(v.nullable(v.string())),
    runs: v.array(v.strictTuple([count, version])),
  }),
  v: v.pipe(
    v.strictObject({
      v: version,
      src: v.exactOptional(v.string()),
      seq: v.exactOptional(seq),
      at: time,
      meta: v.exactOptional(v.looseObject({})),
      op: v.exactOptional(v.unknown()),
      create: v.exactOptional(v.strictObject({ type: v.string(), data: v.exactOptional(v.unknown()) })),
      del: v.exactOptional(v.literal(true)),
    }),
    v.check(line => isOneChange(line), 'it must have exactly one of op, create and del'),
  ),
  end: v.strictObject({ end: v.strictObject({ documents: version, ops: version }) }),
} as const

type Schemas = typeof schemas
export type LineKind = keyof Schemas
export type LineOf<K extends LineKind> = v.InferOutput<Schemas[K]>
export type Line = { [K in LineKind]: { readonly kind: K; readonly line: LineOf<K> } }[LineKind]
export type Header = v.InferOutput<typeof header>

const kinds = Object.keys(schemas) as LineKind[]
export const rankOf = (kind: LineKind): number => kinds.indexOf(kind)

/** Throws what is wrong, for a person to read. */
export const parseHeader = (text: string): Header => checked(header, JSON.parse(text), 'a header')

/** A line behind the header, as it was parsed: its values are its own. Throws what is wrong. */
export function parseLine(text: string): Line {
  must(!isDeeperThan(text, DEEPEST), `it nests deeper than ${DEEPEST} levels`)
  const value: unknown = JSON.parse(text)
  const [key] = typeof value === 'object' && value !== null ? Object.keys(value) : []
  const kind = kinds.find(each => each === key)
  must(kind !== undefined, 'no kind of line begins so')
  return {
    kind,
    line: checked(schemas[kind] as v.GenericSchema, value, `a line that begins with "${kind}"`),
  } as Line
}

/** Throws what is wrong unless `holds`. */
export function must(holds: boolean, says: string): asserts holds {
  if (!holds) throw new Error(says)
}

/** `value`, not a copy that lost the order of its keys. */
function checked<T extends v.GenericSchema>(schema: T, value: unknown, what: string): v.InferOutput<T> {
  const { success, issues } = v.safeParse(schema, value)
  if (success) return value
  const [{ message, path }] = issues!
  const where = path?.map(({ key }) => String(key)).join('.')
  throw new Error(`it is not ${what}: ${where ? `${where}: ` : ''}${message}`)
}

export const lineOf = (line: Header | LineOf<LineKind>): string => `${JSON.stringify(line)}\n`

/** `text` in lines without their ends. Rejects on what is not UTF-8. A last line may lack its end. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  // Not node:readline: it splits at U+2028, too, which JSON does not escape.
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let parts: string[] = []
  for await (const chunk of chunks) {
    const [first, ...rest] = decoder.decode(chunk, { stream: true }).split('\n')
    parts.push(first!)
    for (const begun of rest) {
      yield parts.join('')
      parts = [begun]
    }
  }
  parts.push(decoder.decode())
  const last = parts.join('')
  if (last !== '') yield last
}
