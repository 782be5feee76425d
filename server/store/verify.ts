/**
 * Replays the op logs against all that is kept beside them, and tells the first difference.
 *
 *   log        gapless from the horizon on; its chain of hashes, in packs and rows, is what is stored, to the head's
 *   beside it  the ledger has the last op of each writer, turns the creates and deletes, packs their times, names, summaries
 *   derived    snapshot, milestones and rungs are what the ops make, named versions are kept, credits cover the document
 *   whole      changes of a collection have one document each and end at its number; no row is without its document
 *
 * Everything is read once, in the order of the documents' numbers, from one view: so a server may be writing meanwhile.
 * In memory at a time: some ops, the rungs (deflated) and the ledger of one document, and a number for each document.
 */

import { isDeepStrictEqual } from 'node:util'
import type { DocKey } from '../../ops/identity.ts'
import { mergeSummaries, type Summary, summaryOf } from '../../ops/sittings.ts'
import type { Engine, View } from './engine.ts'
import { failed } from './failed.ts'
import type { DocTable, Row } from './layout.ts'
import { docTables } from './layout.ts'
import { storedOp } from './log.ts'
import { unquoted } from './text.ts'
import { Content } from './verify/content.ts'
import { about, type Difference, Differs, differ, expect, readable } from './verify/difference.ts'
import { rungsOf } from './verify/horizon.ts'
import { Ledger, Turns } from './verify/ledger.ts'
import { logOf, srcsOf } from './verify/log.ts'
import { DocRows } from './verify/rows.ts'

export type { Difference, Subject } from './verify/difference.ts'

/** How much was looked at. */
export interface Counts {
  documents: number
  ops: number
  rungs: number
}

export type Finding =
  | ({ readonly kind: 'sound' } & Readonly<Counts>)
  | { readonly kind: 'differs'; readonly difference: Difference; readonly message: string }

/** `progress` is told now and then how far it has come. Rejects with `STORE_FAILED` when the database cannot be read. */
export async function verifyStore(
  engine: Engine,
  progress: (counts: Readonly<Counts>) => void = () => {},
): Promise<Finding> {
  const view = await engine.view().catch(error => {
    throw failed('read', error)
  })
  const counts = { documents: 0, ops: 0, rungs: 0 }
  try {
    await verifyView(view, counts, () => progress(counts))
    return { kind: 'sound', ...counts }
  } catch (error) {
    if (!(error instanceof Differs)) throw failed('read', error)
    return { kind: 'differs', difference: error.difference, message: error.message }
  } finally {
    await view.close()
  }
}

type Sources = { readonly [T in DocTable]: DocRows<T> }

async function verifyView(view: View, counts: Counts, told: () => void): Promise<void> {
  await verifyFacts(view)
  const changes = await changesOf(view)
  const sources = Object.fromEntries(
    docTables.map(table => [table, new DocRows(table, view.rows(table))]),
  ) as unknown as Sources
  for await (const docs of view.rows('docs')) {
    for (const doc of docs) {
      const key = keyOf(doc)
      await about(key, async () => {
        changes.take(doc)
        await verifyDoc(doc, sources, counts, told)
      })
      counts.documents++
    }
    told()
  }
  for (const table of docTables) await sources[table].take(Number.POSITIVE_INFINITY)
  changes.end()
}

async function verifyFacts(view: View): Promise<void> {
  const facts = new Map<string, string>()
  for await (const rows of view.rows('facts')) for (const { name, value } of rows) facts.set(name, value)
  const epoch = facts.get('epoch') ?? ''
  expect(/^[0-9a-f]{32}$/.test(epoch), 'epoch', null, 'there is none of 32 hexadecimal digits')
}

function keyOf({ num, collection, id }: Row<'docs'>): DocKey {
  const read = (text: string) => readable('head', null, `the name of document ${num}`, () => unquoted(text))
  return { collection: read(collection), id: read(id) }
}

/** The numbers of the changes of all collections. */
async function changesOf(view: View) {
  const last = new Map<string, number>()
  for await (const rows of view.rows('collections')) {
    for (const { name, change } of rows) last.set(name, change)
  }
  const seen = new Map<string, Set<number>>()
  return {
    take({ collection, change, v }: Row<'docs'>): void {
      // A document that nobody wrote yet.
      if (change === 0 && v === 0) return
      const numbers = seen.get(collection) ?? new Set()
      seen.set(collection, numbers)
      const end = last.get(collection) ?? 0
      expect(change > 0 && change <= end, 'change', v, `${change} is none of the changes up to ${end}`)
      expect(!numbers.has(change), 'change', v, `${change} is that of another document, too`)
      numbers.add(change)
    },
    end(): void {
      for (const [collection, end] of last) {
        if (end === 0 || seen.get(collection)?.has(end)) continue
        differ('change', null, `the last of collection ${collection}, ${end}, is of no document`)
      }
    },
  }
}

async function verifyDoc(doc: Row<'docs'>, from: Sources, counts: Counts, told: () => void): Promise<void> {
  const { num, horizon, v: head } = doc
  const writers = await from.writers.all(num)
  const srcs = srcsOf(writers)
  const noted = await from.turns.all(num)
  const rungs = rungsOf(await from.rungs.all(num))
  const [snapshot] = await from.snapshots.all(num)
  const [credits] = await from.credits.all(num)
  const marks = await from.marks.all(num)
  verifyMarks(marks, head)

  const [ledger, turns] = [new Ledger(), new Turns(noted, horizon)]
  const content = new Content(doc, from.milestones, {
    snapshot,
    credits,
    rungs,
    marked: marks.map(({ v }) => v),
  })
  await content.begin(noted.findLast(({ v }) => v < horizon))
  let at: number | null = null
  for await (const { ops, about } of logOf(doc, from, srcs)) {
    const summaries: Summary[] = []
    for (const op of ops) {
      at = op.at
      ledger.take(op)
      if (op.v < horizon) continue
      const stored = readable('content', op.v, 'the op', () => storedOp(op))
      turns.take(stored)
      const extent = await content.take(stored)
      if (about) summaries.push(summaryOf(op.v, op.at, op.src ?? '', extent))
    }
    // Of ops before the horizon nothing tells how much a delete took away.
    const same =
      summaries.length < ops.length || !about || isDeepStrictEqual(mergeSummaries(summaries), about)
    expect(same, 'pack', ops[0]!.v, 'its summary is not that of its ops')
    counts.ops += ops.length
    told()
  }
  ledger.end(doc, writers, srcs)
  turns.end(doc)
  content.end()
  expect(at === null || at === doc.at, 'head', head, 'its time is not that of the last op')
  for (const sizes of rungs.values()) counts.rungs += sizes.size
}

function verifyMarks(marks: readonly Row<'marks'>[], head: number): void {
  for (const { name, v } of marks) {
    readable('mark', v, 'its name', () => unquoted(name))
    expect(v >= 0 && v <= head, 'mark', v, 'it names a version that the document has not')
  }
}
