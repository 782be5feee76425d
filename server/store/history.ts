/**
 * History as people ask about it: which versions there are, in what sittings they were made, which have a name, and who
 * wrote which part. Reading only what is needed: the latest ops from their rows, older ones by the summaries of their packs.
 */

import { setImmediate as turn } from 'node:timers/promises'
import {
  type Attribution,
  attribute,
  attributionOf,
  authored,
  authorship,
  isAttributed,
  type Written,
} from '../../ops/attribution.ts'
import { composeAll } from '../../ops/compose.ts'
import { HoldfastError } from '../../ops/errors.ts'
import type { DocKey } from '../../ops/identity.ts'
import { mayPart, type Page, pageOf, type SittingRule, type Summary, sittingsOf } from '../../ops/sittings.ts'
import { typeOf } from '../../types/index.ts'
import type { DocRow, Engine, KeptOp, PackRow } from './engine.ts'
import type { Log } from './log.ts'
import { decodePack, PACK_OPS } from './packs.ts'
import { noDocument } from './replay.ts'
import type { Mark, StoredSnapshot } from './store.ts'
import { notesOf, type OpNote, summaryOfNote } from './summaries.ts'

/** A run of a document and who wrote it; `length` in the type's own units, `src` null where it is not known. */
export interface Credit {
  readonly length: number
  readonly src: string | null
}

export interface NotePage {
  /** Newest first. */
  readonly ops: readonly OpNote[]
  /** The cursor of the next page; null: there is no more. */
  readonly before: number | null
}

/** A page has what lies below version `before`; without it, the newest. */
export interface PageRequest {
  readonly before?: number
  /** 1 or more. */
  readonly limit: number
}

export interface History {
  /** Every op with who, when and how much. It ends where history was trimmed. */
  ops(key: DocKey, page: PageRequest): Promise<NotePage>
  /** The same in sittings (ops/sittings.ts), which end at marks as well; trimmed history is still among them. */
  sittings(key: DocKey, page: PageRequest, rule?: Omit<SittingRule, 'marks'>): Promise<Page>
  /** Names version `v` and keeps it for ever; a name that was given before moves. Errors as of `Store.at`. */
  mark(key: DocKey, name: string, v: number): Promise<Mark>
  /** Takes a name back; answers whether there was one. What it kept stays. */
  unmark(key: DocKey, name: string): Promise<boolean>
  marks(key: DocKey): Promise<Mark[]>
  /** Who wrote what of a `text` or `rich` document, from its start to its end; nothing for other types. */
  credits(key: DocKey): Promise<Credit[]>
}

/** What history needs of its store. */
export interface Past {
  readonly engine: Engine
  readonly log: Log
  contentAt(key: DocKey, v: number): Promise<StoredSnapshot>
}

/** Packs that are read at once. */
const PACKS = 16
/** Ops whose writers are worked out in one turn of the event loop. */
const OPS = 4096

export const historyOf = (past: Past): History => ({
  ops: (key, page) => withDoc(past, key, { ops: [], before: null }, doc => listOps(past, key, doc, page)),
  sittings: (key, page, rule) =>
    withDoc(past, key, { sittings: [], before: null }, doc => listSittings(past, key, doc, page, rule)),
  mark: (key, name, v) => mark(past, key, name, v),
  unmark: (key, name) => withDoc(past, key, false, ({ num }) => past.engine.dropMark(num, name)),
  marks: key => withDoc(past, key, [], ({ num }) => past.engine.marks(num)),
  credits: key => withDoc(past, key, [], async doc => creditsOf(await creditUp(past, doc, doc.v))),
})

async function withDoc<T>(
  { engine }: Past,
  key: DocKey,
  none: T,
  ask: (doc: DocRow) => Promise<T>,
): Promise<T> {
  const doc = await engine.doc(key)
  return doc ? ask(doc) : none
}

// ---- versions ----

async function listOps(
  past: Past,
  key: DocKey,
  doc: DocRow,
  { before, limit }: PageRequest,
): Promise<NotePage> {
  const to = Math.min(before ?? doc.v, doc.v)
  const from = Math.max(to - limit, doc.horizon)
  if (from >= to) return { ops: [], before: null }
  const notes = await notesIn(past, key, doc, await past.log.kept(doc, from, to))
  return { ops: notes.reverse(), before: from > doc.horizon ? from : null }
}

export async function notesIn(
  past: Past,
  key: DocKey,
  doc: DocRow,
  ops: readonly KeptOp[],
): Promise<OpNote[]> {
  if (ops.length === 0) return []
  const turn = await past.engine.turnBefore(doc.num, ops[0]!.v)
  // A pack may begin before the history: what a delete there removed cannot be told.
  const contentAt = async (v: number) => (v < doc.horizon ? noDocument : past.contentAt(key, v))
  return notesOf(ops, turn?.type ?? null, contentAt)
}

async function listSittings(
  past: Past,
  key: DocKey,
  doc: DocRow,
  { before, limit }: PageRequest,
  rule: SittingRule = {},
): Promise<Page> {
  const marks = new Set((await past.engine.marks(doc.num)).map(({ v }) => v))
  const marked = { ...rule, marks }
  const to = Math.min(before ?? doc.v, doc.v)
  const packed = Math.min(await past.engine.packedTo(doc.num), to)
  const rows = await past.engine.ops(doc.num, packed, to)
  let sittings = sittingsOf((await notesIn(past, key, doc, rows)).map(summaryOfNote).reverse(), marked)
  let read = rows[0]?.v ?? packed
  for (;;) {
    const page = pageOf(sittings, limit, read === 0)
    if (page) return page
    const packs = (await past.engine.packs(doc.num, Math.max(0, read - PACKS * PACK_OPS), read)).slice(-PACKS)
    if (packs.length === 0) return pageOf(sittings, limit, true)!
    const blocks = await Promise.all(packs.map(pack => summariesOf(past, key, doc, pack, read, marked)))
    sittings = sittingsOf([...sittings, ...blocks.flat().reverse()], marked)
    read = packs[0]!.v
  }
}

/** A pack in its blocks, or op by op where a sitting may end inside one of them; what lies below `to`. */
async function summariesOf(
  past: Past,
  key: DocKey,
  doc: DocRow,
  pack: PackRow,
  to: number,
  rule: SittingRule,
): Promise<Summary[]> {
  const blocks: Summary[] = JSON.parse(pack.about)
  const isWhole = pack.v + pack.n <= to
  if (!pack.body || (isWhole && !blocks.some(block => mayPart(block, rule)))) return blocks
  const ops = decodePack(pack.body, pack.v).filter(({ v }) => v < to)
  return (await notesIn(past, key, doc, ops)).map(summaryOfNote)
}

// ---- names ----

async function mark({ engine, contentAt }: Past, key: DocKey, name: string, v: number): Promise<Mark> {
  const doc = await engine.doc(key)
  if (!doc || v > doc.v) throw new HoldfastError('VERSION_UNKNOWN')
  const { type, data } = await contentAt(key, v)
  const made = { name, v, at: Date.now() }
  await engine.saveMilestone(doc.num, { v, type, data, meta: null })
  await engine.saveMark(doc.num, made)
  return made
}

// ---- who wrote what ----

/** As it is stored: runs name their writers by index. */
export interface StoredCredits {
  readonly srcs: (string | null)[]
  readonly runs: Attribution
}

/** The attribution at version `to`, worked out from where it was stored last, and stored if that was far or `kept`. */
export async function creditUp(
  { engine, log }: Past,
  doc: DocRow,
  to: number,
  kept = false,
): Promise<StoredCredits> {
  const found = await engine.credits(doc.num)
  const known = found && found.v <= to ? (found as { v: number; runs: StoredCredits }) : null
  const start = known?.v ?? 0
  const srcs = known ? [...known.runs.srcs] : []
  let runs: Attribution = known?.runs.runs ?? []
  let type = (await engine.turnBefore(doc.num, start))?.type ?? null
  for (let from = start; from < to; from += OPS) {
    const ops = await log.kept(doc, from, Math.min(to, from + OPS))
    ;({ runs, type } = credited(runs, type, ops, srcs))
    await turn()
  }
  if (kept || to - start >= OPS / 4) await engine.saveCredits(doc.num, to, { srcs, runs })
  return { srcs, runs }
}

/** What `ops` make of an attribution; edits between creates and deletes are composed first. */
function credited(
  before: Attribution,
  uri: string | null,
  ops: readonly KeptOp[],
  srcs: (string | null)[],
): { runs: Attribution; type: string | null } {
  let [runs, type] = [before, uri]
  let edits: ReturnType<typeof authored>[] = []
  const numbers = new Map(srcs.map((src, i) => [src, i]))
  const numberOf = (src: string | null): number => {
    if (!numbers.has(src)) numbers.set(src, srcs.push(src) - 1)
    return numbers.get(src)!
  }
  const flush = () => {
    if (edits.length > 0) runs = attribute(runs, composeAll(authorship, edits)!)
    edits = []
  }
  for (const { src, body } of ops) {
    const change = JSON.parse(body)
    if (change.op !== undefined) {
      if (isAttributed(typeOf(type!))) edits.push(authored(typeOf(type!), change.op, numberOf(src)))
      continue
    }
    flush()
    type = change.create?.type ?? null
    const attributed = type !== null && isAttributed(typeOf(type))
    runs = attributed ? attributionOf(typeOf(type!), change.create.data, numberOf(src)) : []
  }
  flush()
  return { runs, type }
}

/** Units of the document whose writers stored credits tell. */
export const lengthCredited = ({ runs }: StoredCredits): number =>
  runs.reduce((sum, [length]) => sum + length, 0)

/** Units that the document has for them to tell. */
export const lengthToCredit = ({ type, data }: Pick<StoredSnapshot, 'type' | 'data'>): number =>
  type !== null && isAttributed(typeOf(type)) ? typeOf(type).extent({ doc: data }).added : 0

const creditsOf = ({ srcs, runs }: StoredCredits): Credit[] =>
  runs.map(([length, writer]: Written) => ({ length, src: srcs[writer as number]! }))
