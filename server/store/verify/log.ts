/**
 * The op log of one document, read through and checked as it goes by: packs, then rows.
 *
 *   0 ... horizon ... packs end ... head
 *   |--------packs-------|---rows---|
 *
 * Each version stands once, in a pack or in a row, and the chain of hashes goes through them all. Packs that end at or before
 * the horizon may have lost their ops; the one that it lies in has them all.
 */

import { mergeSummaries, type Summary } from '../../../ops/sittings.ts'
import { chained, START } from '../chain.ts'
import type { KeptName, KeptOp } from '../engine.ts'
import type { Row } from '../layout.ts'
import { decodeNames, decodePack, receiptIn } from '../packs.ts'
import { firstSeqs } from '../tending.ts'
import { unquoted } from '../text.ts'
import { expect, readable } from './difference.ts'
import type { DocRows } from './rows.ts'

/** Where the rows of a document are read from. */
export interface LogRows {
  readonly packs: DocRows<'packs'>
  readonly packnames: DocRows<'packnames'>
  readonly ops: DocRows<'ops'>
}

/** Srcs by the numbers of their writers. */
export type Srcs = ReadonlyMap<number, string>

/** Some ops that follow each other. */
export interface Stretch {
  readonly ops: readonly KeptOp[]
  /** What their pack says about them; null if they are rows. */
  readonly about: Summary | null
}

/** All ops that are there. Throws `STORE_CORRUPT` at the first difference. */
export async function* logOf(doc: Row<'docs'>, rows: LogRows, srcs: Srcs): AsyncGenerator<Stretch> {
  const { num, v: head, hash, horizon } = doc
  expect(horizon <= head, 'head', horizon, `the history begins after the head, which is ${head}`)
  const names = namesByPack(await rows.packnames.all(num))
  const walk = new Walk(horizon, srcs)
  for (let some = await rows.packs.take(num); some.length > 0; some = await rows.packs.take(num)) {
    for (const pack of some) {
      const stretch = walk.pack(pack, names.get(pack.v) ?? new Map())
      names.delete(pack.v)
      if (stretch.ops.length > 0) yield stretch
    }
  }
  const [left] = names.keys()
  expect(left === undefined, 'pack', left!, 'names are kept of a pack that is not there')
  for (let some = await rows.ops.take(num); some.length > 0; some = await rows.ops.take(num)) {
    yield walk.rows(some)
  }
  expect(walk.end >= head, 'version', walk.end, 'its op is missing')
  expect(walk.end <= head, 'version', head, 'there are ops beyond the head')
  expect(walk.hash === hash, 'hash', head, 'the hash of the head is not that of the chain')
}

class Walk {
  /** The version after the last one that was read. */
  end = 0
  /** The chain's hash there. */
  hash: string = START
  readonly #horizon: number
  readonly #srcs: Srcs

  constructor(horizon: number, srcs: Srcs) {
    this.#horizon = horizon
    this.#srcs = srcs
  }

  pack(pack: Row<'packs'>, names: ReadonlyMap<number, number>): Stretch {
    const { v, n, hash, body } = pack
    this.#expectNext(v)
    expect(n > 0, 'pack', v, 'it holds no op')
    const about = readable('pack', v, 'its summary', () => mergeSummaries(JSON.parse(pack.about)))
    expect(about.v === v && about.n === n, 'pack', v, 'its summary is not of its ops')
    this.end = v + n
    if (body === null) {
      expect(this.end <= this.#horizon, 'version', v, 'a pack lacks its ops')
      expect(pack.names !== null, 'pack', v, 'the names of its ops are gone')
      const kept = readable('pack', v, 'what is left of it', () => decodeNames(pack.names!, v))
      expectSummary(pack, kept)
      expectNames(pack, kept, names, this.#srcs)
      expect(
        hash.startsWith(receiptIn(pack.names!, n) ?? ''),
        'hash',
        this.end,
        'its receipts are not its own',
      )
      this.hash = hash
      return { ops: [], about }
    }
    const ops = readable('pack', v, 'it', () => decodePack(body, v))
    expectSummary(pack, ops)
    expectNames(pack, ops, names, this.#srcs)
    this.hash = ops.reduce(linked, this.hash)
    expect(this.hash === hash, 'hash', this.end, 'the hash of a pack is not that of its ops')
    return { ops, about }
  }

  rows(rows: readonly Row<'ops'>[]): Stretch {
    const ops = rows.map(row => {
      expect(row.v >= this.#horizon, 'version', row.v, 'its op lies before the history')
      this.#expectNext(row.v)
      const op = keptOp(row, this.#srcs)
      this.hash = linked(this.hash, op)
      expect(this.hash === row.hash, 'hash', row.v + 1, 'the hash of an op is not that of the chain')
      this.end = row.v + 1
      return op
    })
    return { ops, about: null }
  }

  #expectNext(v: number): void {
    expect(v >= this.end, 'version', v, 'it is there twice')
    expect(v === this.end, 'version', this.end, 'its op is missing')
  }
}

const linked = (before: string, { src, seq, body }: KeptOp): string => chained(before, src, seq, body)

function keptOp({ v, writer, seq, at, body, meta }: Row<'ops'>, srcs: Srcs): KeptOp {
  if (writer === null) return { v, src: null, seq, at, body, meta }
  const src = srcs.get(writer)
  expect(src !== undefined, 'ledger', v, `its writer ${writer} is not in the ledger`)
  return { v, src, seq, at, body, meta }
}

function expectSummary({ v, n, start, end }: Row<'packs'>, ops: readonly KeptName[]): void {
  expect(ops.length === n, 'pack', v, `it holds ${ops.length} ops, not ${n}`)
  const times = ops.map(({ at }) => at)
  const holds = Math.min(...times) === start && Math.max(...times) === end
  expect(holds, 'pack', v, 'its summary names other times than its ops')
}

function expectNames(
  { v }: Row<'packs'>,
  ops: readonly KeptName[],
  names: ReadonlyMap<number, number>,
  srcs: Srcs,
): void {
  const firsts = firstSeqs(ops)
  const holds =
    names.size === firsts.size && [...names].every(([writer, seq]) => firsts.get(srcs.get(writer)!) === seq)
  expect(holds, 'pack', v, 'the names that are kept of it are not those of its ops')
}

/** For each pack, by its version: writers and their first seqs. */
function namesByPack(rows: readonly Row<'packnames'>[]): Map<number, Map<number, number>> {
  const packs = new Map<number, Map<number, number>>()
  for (const { v, writer, seq } of rows) {
    const names = packs.get(v) ?? new Map<number, number>()
    packs.set(v, names.set(writer, seq))
  }
  return packs
}

export const srcsOf = (writers: readonly Row<'writers'>[]): Srcs =>
  new Map(writers.map(({ writer, src, v }) => [writer, readable('ledger', v, 'a src', () => unquoted(src))]))
