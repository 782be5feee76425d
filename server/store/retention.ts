/**
 * Trimming of old history: raw ops go, and what was made of them stays: rungs, summaries, the name of every op, receipts,
 * named versions and who wrote what. A client whose base is older is served the whole document and rebases by the difference.
 *
 * A document is trimmed at multiples of the smallest rung, so that every version from there on, and every trimmed one that
 * is a multiple, can still be told. Deleting is the last of these steps, so a crash in between costs nothing.
 */

import { setImmediate as turn } from 'node:timers/promises'
import type { DocKey } from '../../ops/identity.ts'
import type { Full } from './adapter.ts'
import { START } from './chain.ts'
import type { DocRow, Engine } from './engine.ts'
import { creditUp, type Past } from './history.ts'
import { namesOf, PACK_OPS } from './packs.ts'
import { packRows } from './tending.ts'

export interface Trimmed {
  /** Documents that lost ops, and ops that were lost. */
  docs: number
  ops: number
}

export interface Trimming extends Past {
  /** Versions of the smallest rung. */
  readonly step: number
  /** Builds the rungs that are missing. */
  raise(doc: DocRow): Promise<void>
  latest(key: DocKey): Promise<Full>
}

/** Documents that are looked at between two turns of the event loop. */
const PAGE = 100
/** Packs that are read at once. */
const PACKS = 64

/** Forgets the ops that were committed at or before the time `until` (ms since 1970). */
export async function trimAll(trimming: Trimming, until: number, stopped: () => boolean): Promise<Trimmed> {
  const trimmed = { docs: 0, ops: 0 }
  let after: DocKey | null = null
  while (!stopped()) {
    const keys: DocKey[] = await trimming.engine.keys(after, PAGE)
    for (const key of keys) {
      const ops = await trimDoc(trimming, key, until)
      if (ops > 0) trimmed.docs++
      trimmed.ops += ops
    }
    if (keys.length < PAGE) break
    after = keys.at(-1)!
    await turn()
  }
  return trimmed
}

/** Answers how many ops went. */
async function trimDoc(trimming: Trimming, key: DocKey, until: number): Promise<number> {
  const { engine, log, step } = trimming
  const doc = await engine.doc(key)
  if (!doc) return 0
  const horizon = Math.floor((await log.versionBy(doc, until)) / step) * step
  if (horizon <= doc.horizon) return 0
  await trimming.raise(doc)
  await keepStarts(trimming, key, doc, horizon)
  await creditUp(trimming, doc, horizon, true)
  await engine.saveSnapshots([{ doc: doc.num, full: await trimming.latest(key) }])
  await packBelow(trimming, key, doc, horizon)
  await engine.trim(doc.num, horizon, await namesBelow(engine, doc, horizon))
  return horizon - doc.horizon
}

/** After a create the document is kept at the next step: the rung that holds the create is missing. */
async function keepStarts(
  { engine, contentAt, step }: Trimming,
  key: DocKey,
  doc: DocRow,
  horizon: number,
): Promise<void> {
  for (let v = horizon; ; ) {
    const turned = await engine.turnBefore(doc.num, v)
    if (!turned || turned.v < doc.horizon) return
    const start = Math.ceil((turned.v + 1) / step) * step
    const { type, data } = await contentAt(key, start)
    if (type !== null) await engine.saveMilestone(doc.num, { v: start, type, data, meta: null })
    v = turned.v
  }
}

/** What is left of the packs that lie below the horizon, by their versions. */
async function namesBelow(engine: Engine, doc: DocRow, horizon: number): Promise<Map<number, Uint8Array>> {
  const names = new Map<number, Uint8Array>()
  let [from, before] = [0, START]
  while (from < horizon) {
    const packs = await engine.packs(doc.num, from, Math.min(horizon, from + PACKS * PACK_OPS))
    if (packs.length === 0) break // the document was forgotten meanwhile
    for (const { v, n, body, hash } of packs) {
      if (body && v + n <= horizon) names.set(v, namesOf(body, before))
      ;[from, before] = [v + n, hash]
    }
  }
  return names
}

/** So that summary and receipts of every trimmed op stay in the row of its pack. */
async function packBelow(past: Past, key: DocKey, doc: DocRow, horizon: number): Promise<void> {
  const { engine } = past
  for (;;) {
    const from = await engine.packedTo(doc.num)
    if (from >= horizon) return
    const ops = await engine.ops(doc.num, from, Math.min(horizon, from + PACK_OPS))
    if (ops.length === 0) return
    await packRows(past, key, doc, ops)
  }
}
