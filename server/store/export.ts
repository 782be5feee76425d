/** A collection as JSON lines (lines.ts), read from one view: so a server may be writing meanwhile. */

import { HoldfastError } from '../../ops/errors.ts'
import type { Full } from './adapter.ts'
import type { Engine, KeptOp, View } from './engine.ts'
import { failed } from './failed.ts'
import type { DocTable, Row } from './layout.ts'
import { FORMAT, lineOf } from './lines.ts'
import { inflated, quoted, unquoted } from './text.ts'
import { about } from './verify/difference.ts'
import { contentAt, fullOf, leadsOn, rungsOf } from './verify/horizon.ts'
import { logOf, srcsOf } from './verify/log.ts'
import { DocRows } from './verify/rows.ts'

/** Told when a document has been read. */
export type Progress = (counts: { readonly documents: number; readonly ops: number }) => void

/**
 * The lines, some at a time, each with its line feed. The chain of hashes is gone through on the way: rejects with
 * `STORE_CORRUPT` where it does not hold, with `NOT_FOUND` for a collection that nobody ever wrote, with `STORE_FAILED`.
 */
export async function* exportCollection(
  engine: Engine,
  collection: string,
  progress: Progress = () => {},
): AsyncGenerator<string> {
  // Whose a src is never changes, so it need not be seen at the same moment.
  const ownerOf = (src: string) => engine.owner(src)
  const view = await engine.view().catch(error => {
    throw failed('read', error)
  })
  const counts = { documents: 0, ops: 0 }
  try {
    yield lineOf({ holdfast: FORMAT, kind: 'collection', collection, at: Date.now() })
    for await (const docs of view.rows('docs')) {
      for (const doc of docs) {
        if (doc.collection !== quoted(collection) || doc.v === 0) continue
        yield* exportDoc(view, doc, counts, ownerOf)
        counts.documents++
        progress(counts)
      }
    }
    if (counts.documents === 0) throw new HoldfastError('NOT_FOUND', `There is no collection ${collection}.`)
    yield lineOf({ end: counts })
  } catch (error) {
    throw failed('read', error)
  } finally {
    await view.close()
  }
}

async function* exportDoc(
  view: View,
  doc: Row<'docs'>,
  counts: { ops: number },
  ownerOf: Engine['owner'],
): AsyncGenerator<string> {
  const key = { collection: unquoted(doc.collection), id: unquoted(doc.id) }
  const rows = <T extends DocTable>(table: T) => new DocRows(table, view.rows(table, doc.num))
  const srcs = srcsOf(await rows('writers').all(doc.num))
  yield await about(key, async () => (await headOf(doc, rows, ownerOf)).join(''))
  const sources = { packs: rows('packs'), packnames: rows('packnames'), ops: rows('ops') }
  const log = logOf(doc, sources, srcs)
  for (;;) {
    const { done, value } = await about(key, () => log.next())
    if (done) return
    counts.ops += value.ops.length
    yield value.ops.map(opLine).join('')
  }
}

type RowsOf = <T extends DocTable>(table: T) => DocRows<T>

/** All lines of a document but its ops. */
async function headOf(doc: Row<'docs'>, rows: RowsOf, ownerOf: Engine['owner']): Promise<string[]> {
  const { num, id, v, hash, at, horizon } = doc
  const lines = [lineOf({ doc: unquoted(id), v, hash, at })]
  const marks = await rows('marks').all(num)
  if (horizon > 0) lines.push(...(await trimmedOf(doc, rows, new Set(marks.map(mark => mark.v)))))
  for (const { name, v, at } of marks) lines.push(lineOf({ mark: unquoted(name), v, at }))
  for (const { src, seq, v, seal } of await rows('writers').all(num)) {
    const who = await ownerOf(unquoted(src))
    lines.push(lineOf({ writer: unquoted(src), seq, v, seal, ...(who !== null && { who }) }))
  }
  const [credits] = horizon > 0 ? await rows('credits').all(num) : []
  if (credits) {
    lines.push(lineOf({ credits: credits.v, ...JSON.parse(inflated(credits.runs)) }))
  }
  return lines
}

/** What is left of the history before the horizon, but for its rungs: content there and at named versions, summaries. */
async function trimmedOf(doc: Row<'docs'>, rows: RowsOf, marked: ReadonlySet<number>): Promise<string[]> {
  const { num, horizon } = doc
  const turns = (await rows('turns').all(num)).filter(({ v }) => v < horizon)
  const rungs = rungsOf(await rows('rungs').all(num))
  const lines = [lineOf({ from: horizon, turns: turns.map(({ v, type }) => [v, type]) })]
  let milestone: Row<'milestones'> | undefined
  for (const row of await rows('milestones').all(num)) {
    if (row.v > horizon) break
    if (leadsOn(row.v, horizon, rungs)) milestone = row
    if (row.v < horizon && marked.has(row.v)) lines.push(contentLine(fullOf('milestone', row)))
  }
  lines.push(contentLine(contentAt({ v: horizon, turn: turns.at(-1), milestone, rungs })))
  for (const { v, n, start, end, hash, about, names } of await rows('packs').all(num)) {
    const left = names && { names: JSON.parse(inflated(names)) }
    if (v < horizon) lines.push(lineOf({ span: v, n, start, end, hash, about: JSON.parse(about), ...left }))
  }
  return lines
}

const contentLine = ({ v, type, data }: Full): string =>
  lineOf({ content: v, type, ...(type !== null && { data }) })

/** With the body as it was hashed. */
function opLine({ v, src, seq, at, body, meta }: KeptOp): string {
  const name = src === null ? '' : `"src":${quoted(src)},"seq":${seq},`
  return `{"v":${v},${name}"at":${at},${meta === null ? '' : `"meta":${meta},`}${body.slice(1)}\n`
}
