/**
 * The op log of a document as one sequence, wherever its parts are kept: older ops in packs, the latest in rows.
 *
 * Packing goes on while others read: it moves ops from rows to a pack in one transaction. So the rows are read first,
 * and what is missing before them is in packs by then.
 */

import { HoldfastError } from '../../ops/errors.ts'
import type { Name } from '../../ops/identity.ts'
import type { WireChange } from '../../ops/protocol.ts'
import { chained, START } from './chain.ts'
import type { DocRow, Engine, KeptName, KeptOp, OpRow, PackRow } from './engine.ts'
import { bodiesOf, decodeNames, decodePack, receiptIn } from './packs.ts'
import { isNamed } from './seals.ts'
import type { ReceiptedOp, StoredOp } from './store.ts'

type Versioned = readonly [v: number, ...unknown[]]

export class Log {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Ops `from <= v < to` in order. `HISTORY_TRIMMED` below the horizon, `STORE_FAILED` where one is missing. */
  async ops(doc: DocRow, from: number, to: number): Promise<StoredOp[]> {
    return (await this.kept(doc, from, to)).map(storedOp)
  }

  /** The same with their receipts, which a pack does not have. */
  async receipted(doc: DocRow, from: number, to: number): Promise<ReceiptedOp[]> {
    const ops = await this.kept(doc, from, to)
    let hash = ops[0] && !isRow(ops[0]) ? await this.hashAt(doc, from) : null
    return ops.map(op => {
      hash = isRow(op) ? op.hash : hash && chained(hash, op.src, op.seq, op.body)
      return { ...storedOp(op), ...(hash !== null && { hash }) }
    })
  }

  async kept(doc: DocRow, from: number, to: number): Promise<(KeptOp | OpRow)[]> {
    checkHorizon(doc, from, to)
    const rows = await this.#engine.ops(doc.num, from, to)
    const packs = await this.#packsBefore(doc.num, from, rows[0]?.v ?? to)
    const packed = packs.flatMap(({ v, body }) => decodePack(body, v)).filter(op => op.v >= from)
    return gapless(
      joined<KeptOp | OpRow>(packed, rows, op => op.v, to),
      op => op.v,
      from,
      to,
    )
  }

  /** The same without names and times. */
  async changes(doc: DocRow, from: number, to: number): Promise<WireChange[]> {
    checkHorizon(doc, from, to)
    const rows = await this.#engine.bodies(doc.num, from, to)
    const packs = await this.#packsBefore(doc.num, from, rows[0]?.[0] ?? to)
    const packed = packs
      .flatMap(({ v, body }) => bodiesOf(body).map((text, i): Versioned => [v + i, text]))
      .filter(([v]) => v >= from)
    const all = gapless(
      joined(packed, rows as readonly Versioned[], ([v]) => v, to),
      ([v]) => v,
      from,
      to,
    )
    return all.map(([, body]) => JSON.parse(body as string))
  }

  /** Where a name stands, whether or not its op was trimmed; null if it was never committed. */
  async versionOf(doc: number, name: Name): Promise<number | null> {
    return (await this.committed(doc, name))?.v ?? null
  }

  /** The same, with the seal that its writer named where that is kept. */
  async committed(doc: number, name: Name): Promise<{ v: number; seal?: string } | null> {
    const last = await this.#engine.writer(doc, name.src)
    if (last === null || name.seq > last.seq) return null
    if (name.seq === last.seq) return { v: last.v, ...(isNamed(last.seal) && { seal: last.seal }) }
    const v = await this.#passed(doc, last.writer, name)
    return v === null ? null : { v }
  }

  /** Where an op of a writer stands that is not its last one. */
  async #passed(doc: number, writer: number, { src, seq }: Name): Promise<number | null> {
    const v = await this.#engine.named(doc, writer, seq)
    if (v !== null) return v
    const packed = await this.#engine.packOf(doc, writer, seq)
    const [pack] = packed === null ? [] : await this.#engine.packs(doc, packed, packed + 1)
    const names = pack ? keptNames(pack) : []
    return names.find(op => op.src === src && op.seq === seq)?.v ?? null
  }

  /** The version that the document had at a time: after the last op at or before it. */
  async versionBy(doc: DocRow, at: number): Promise<number> {
    const rows = await this.#engine.ops(doc.num, await this.#engine.packedTo(doc.num), doc.v)
    const row = rows.findLast(op => op.at <= at)
    if (row) return row.v + 1
    const pack = await this.#engine.packBy(doc.num, at)
    if (!pack) return 0
    return keptNames(pack).findLast(name => name.at <= at)!.v + 1
  }

  /** The chain's hash at version `v`; null beyond the head and where it was trimmed. */
  async hashAt(doc: DocRow, v: number): Promise<string | null> {
    if (v === doc.v) return doc.hash
    if (v === 0) return START
    if (v > doc.v) return null
    const [row] = await this.#engine.ops(doc.num, v - 1, v)
    if (row) return row.hash
    const [pack] = await this.#engine.packs(doc.num, v - 1, v)
    if (!pack) return null
    if (v === pack.v + pack.n) return pack.hash
    const [before] = pack.v === 0 ? [{ hash: START }] : await this.#engine.packs(doc.num, pack.v - 1, pack.v)
    if (!before || !pack.body) return null
    const ops = decodePack(pack.body, pack.v).slice(0, v - pack.v)
    return ops.reduce((hash, { src, seq, body }) => chained(hash, src, seq, body), before.hash)
  }

  /** Whether the chain has this hash at version `v`; so it is taken to be where nobody can tell. */
  async agrees(doc: DocRow, v: number, hash: string): Promise<boolean> {
    const known = (await this.hashAt(doc, v)) ?? (await this.#digitsAt(doc, v))
    return known === null || hash.startsWith(known)
  }

  /** How the chain's hash at version `v` began, where it was trimmed. */
  async #digitsAt(doc: DocRow, v: number): Promise<string | null> {
    const [pack] = await this.#engine.packs(doc.num, v - 1, v)
    return pack?.names ? receiptIn(pack.names, v - pack.v) : null
  }

  /** Packs with versions from `from` on that begin before `to`. */
  async #packsBefore(doc: number, from: number, to: number): Promise<(PackRow & { body: Uint8Array })[]> {
    const packs = to > from ? await this.#engine.packs(doc, from, to) : []
    return packs.filter((pack): pack is PackRow & { body: Uint8Array } => pack.body !== null)
  }
}

const isRow = (op: KeptOp | OpRow): op is OpRow => 'hash' in op

/** The names in a pack, trimmed or not. */
const keptNames = ({ v, body, names }: PackRow): readonly KeptName[] =>
  body ? decodePack(body, v) : decodeNames(names!, v)

/** A pack may reach over the first rows: it was made after these were read. */
function joined<T>(
  packed: readonly T[],
  rows: readonly T[],
  versionOf: (item: T) => number,
  to: number,
): T[] {
  const end = rows.length > 0 ? versionOf(rows[0]!) : to
  return [...packed.filter(item => versionOf(item) < end), ...rows]
}

/** `items`, which are the whole stretch. */
function gapless<T>(items: T[], versionOf: (item: T) => number, from: number, to: number): T[] {
  if (items.length === Math.max(0, to - from)) return items
  const missing = items.findIndex((item, i) => versionOf(item) !== from + i)
  const v = from + (missing < 0 ? items.length : missing)
  throw new HoldfastError('STORE_FAILED', `The op log has a gap at version ${v}: restore a backup.`)
}

function checkHorizon({ horizon }: DocRow, from: number, to: number): void {
  if (from >= horizon || from >= to) return
  throw new HoldfastError('HISTORY_TRIMMED', `The history of this document begins at version ${horizon}.`)
}

export function storedOp({ v, src, seq, at, body, meta }: KeptOp): StoredOp {
  const op: StoredOp = JSON.parse(body)
  op.v = v
  op.at = at
  if (src !== null) op.src = src
  if (seq !== null) op.seq = seq
  if (meta !== null) op.meta = JSON.parse(meta)
  return op
}
