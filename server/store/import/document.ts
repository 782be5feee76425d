/**
 * One document of an import, put together from its lines. Each op is checked against the document that it changes, and
 * packed as it comes: what is in memory is the document, its history deflated, and the latest ops.
 */

import type { DocKey } from '../../../ops/identity.ts'
import type { WireChange } from '../../../ops/protocol.ts'
import { mergeSummaries, type Summary, sittingsOf, summaryOf } from '../../../ops/sittings.ts'
import { chained, START } from '../chain.ts'
import type { OpRow, WholeDoc } from '../engine.ts'
import type { Row } from '../layout.ts'
import { type Line, type LineOf, must, rankOf } from '../lines.ts'
import { storedOp } from '../log.ts'
import { decodeNames, RECEIPT_DIGITS } from '../packs.ts'
import { firstSeqs, packOf, type TendingOptions } from '../tending.ts'
import { deflated, quoted } from '../text.ts'
import { ReplayedContent } from './content.ts'
import { Writers } from './writers.ts'

/** An op that is not in a pack yet, and what it did; null where it lies before the history. */
interface Latest {
  readonly op: OpRow
  readonly summary: Summary | null
}

type Part<T extends 'packs' | 'packnames' | 'ops'> = Omit<Row<T>, 'doc'>

export class IncomingDocument {
  readonly key: DocKey
  /** The database has it; then it is only checked. */
  readonly known: boolean
  /** How many op lines were taken. */
  ops = 0
  readonly #doc: LineOf<'doc'>
  readonly #content: ReplayedContent
  readonly #packOps: number
  readonly #writers = new Writers()
  readonly #marks = new Map<string, LineOf<'mark'>>()
  readonly #packs: Part<'packs'>[] = []
  readonly #packnames: Part<'packnames'>[] = []
  /** Of spans without ops: who wrote them is named further down. */
  readonly #trimmedNames: { v: number; firsts: ReadonlyMap<string, number> }[] = []
  #rank = rankOf('doc')
  #from = 0
  /** The span in which the history begins: its ops are here, as a pack. */
  #span: LineOf<'span'> | null = null
  #latest: Latest[] = []
  /** The version of the next op, and the chain's hash there. */
  #next = 0
  #hash = START
  #begun = false

  constructor(key: DocKey, doc: LineOf<'doc'>, known: boolean, { rungSizes, packOps }: TendingOptions) {
    must(doc.v > 0, 'a document without an op is none')
    this.key = key
    this.known = known
    this.#doc = doc
    this.#content = new ReplayedContent(rungSizes)
    this.#packOps = packOps
  }

  /** The next line of the document. Throws when it cannot stand there. */
  take({ kind, line }: Exclude<Line, { kind: 'doc' | 'end' }>): void {
    must(rankOf(kind) >= this.#rank, 'it comes too late: see the order of lines in lines.ts')
    this.#rank = rankOf(kind)
    if (kind === 'from') this.#trimmed(line)
    else if (kind === 'content') this.#content.content(line)
    else if (kind === 'span') this.#summed(line)
    else if (kind === 'mark') this.#mark(line)
    else if (kind === 'writer') this.#writers.name(line)
    else if (kind === 'credits') this.#content.credit(line)
    else this.#op(line)
  }

  /** Throws when something is missing. */
  whole(): WholeDoc {
    this.#begin()
    this.#checkEnd()
    for (const { v, firsts } of this.#trimmedNames) this.#name(v, firsts)
    const { v, at } = this.#doc
    const writers = this.#writers.rows(this.#from)
    const { turns, milestones, rungs } = this.#content
    const snapshot = this.#content.snapshot()
    const last = this.#latest.at(-1)?.op.at ?? 0
    const head = { v, type: snapshot.type, at: at ?? last, hash: this.#hash }
    return {
      key: this.key,
      doc: { ...head, writers: writers.length, horizon: this.#from },
      owners: this.#writers.owners(),
      rows: {
        writers,
        turns,
        packs: this.#packs,
        packnames: this.#packnames,
        ops: this.#latest.map(({ op }) => this.#rowOf(op)),
        rungs,
        snapshots: [snapshot],
        milestones,
        marks: [...this.#marks.values()].map(({ mark, v, at }) => ({ name: quoted(mark), v, at })),
        credits: this.#content.credits(),
      },
    }
  }

  /** Whether the ops led to where the document is said to stand. */
  #checkEnd(): void {
    const { doc: id, v: head, hash = this.#hash, at } = this.#doc
    must(this.#next === head, `document ${JSON.stringify(id)} ends at version ${this.#next}, not at ${head}`)
    must(this.#span === null, 'the span in which the history begins lacks ops')
    must(hash === this.#hash, 'the hash of the ops is not the one that the document has')
    const last = this.#latest.at(-1)?.op.at
    must(last === undefined || last === (at ?? last), 'the last op was at another time')
  }

  #trimmed(line: LineOf<'from'>): void {
    must(this.#from === 0 && line.from <= this.#doc.v, 'a history begins once, at or before the head')
    this.#from = line.from
    this.#content.trimmed(line)
  }

  #summed(line: LineOf<'span'>): void {
    const { span: v, n, start, end, hash, about, names } = line
    const sum = mergeSummaries(about as unknown as Summary[])
    must(sum.v === v && sum.n === n, 'its summary is of other versions')
    must(
      v === this.#next && v < this.#from && this.#span === null,
      `a span from version ${this.#next} on must stand here`,
    )
    if (v + n > this.#from) {
      this.#span = line
      return
    }
    must(names !== undefined && areNames(names, n), 'its names are missing, or are not those of so many ops')
    const left = deflated(JSON.stringify(names))
    this.#trimmedNames.push({ v, firsts: firstSeqs(decodeNames(left, v)) })
    this.#packs.push({ v, n, start, end, hash, about: JSON.stringify(about), body: null, names: left })
    this.#next = v + n
    this.#hash = hash
  }

  #mark(line: LineOf<'mark'>): void {
    must(!this.#marks.has(line.mark), 'this name was given before')
    must(line.v <= this.#doc.v, 'it names a version beyond the head')
    this.#marks.set(line.mark, line)
    this.#content.mark(line.v)
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    const reached = this.#span ? this.#span.span + this.#span.n : this.#next
    must(reached >= this.#from, `spans must reach to version ${this.#from}`)
    this.#content.begin()
  }

  #op(line: LineOf<'v'>): void {
    this.#begin()
    this.ops++
    const { v, src = null, seq = null, at, meta } = line
    must(
      v === this.#next && v < this.#doc.v,
      `the op of version ${this.#next} must stand here, up to the head ${this.#doc.v}`,
    )
    this.#writers.take(line)
    const body = JSON.stringify(changeIn(line))
    this.#hash = chained(this.#hash, src, seq, body)
    this.#next = v + 1
    const op = { v, src, seq, at, body, meta: meta ? JSON.stringify(meta) : null, hash: this.#hash }
    const summary = v < this.#from ? null : summaryOf(v, at, src ?? '', this.#content.take(storedOp(op)))
    this.#latest.push({ op, summary })
    this.#pack()
  }

  /** So many ops as the span says that it begins with; later on, the older ones when there are enough. */
  #pack(): void {
    const span = this.#span
    const enough = span ? span.n : 2 * this.#packOps
    if (this.#latest.length < enough) return
    const packed = this.#latest.splice(0, span ? span.n : this.#packOps)
    const ops = packed.map(({ op }) => op)
    const summaries = packed.flatMap(({ summary }) => summary ?? [])
    const blocks = span
      ? (span.about as unknown as Summary[])
      : sittingsOf(summaries.toReversed()).toReversed()
    const pack = packOf(ops, blocks)
    if (span) {
      const same = pack.hash === span.hash && pack.start === span.start && pack.end === span.end
      must(same, 'the ops of the span in which the history begins are not those that it sums up')
      this.#span = null
    }
    this.#packs.push(pack)
    this.#name(pack.v, firstSeqs(ops))
  }

  #name(v: number, firsts: ReadonlyMap<string, number>): void {
    for (const [src, seq] of firsts) {
      const writer = this.#writers.numberOf(src)
      must(
        writer !== undefined,
        `no line that begins with "writer" names the src ${JSON.stringify(src)} of a span`,
      )
      this.#packnames.push({ writer, seq, v })
    }
  }

  #rowOf({ v, src, seq, at, body, meta, hash }: OpRow): Part<'ops'> {
    return { v, writer: src === null ? null : this.#writers.numberOf(src)!, seq, at, body, meta, hash }
  }
}

/** Whether the columns of `names` (packs.ts) are those of `n` ops. */
function areNames(names: NonNullable<LineOf<'span'>['names']>, count: number): boolean {
  const { n, src, writer, seq, at, receipts } = names
  if (receipts !== undefined && receipts.length !== count * RECEIPT_DIGITS) return false
  const named = writer.filter(index => index >= 0)
  const columns = [n, writer.length, at.length].every(length => length === count)
  return columns && seq.length === named.length && named.every(index => index < src.length)
}

/** The change alone, as it is hashed. */
function changeIn(line: LineOf<'v'>): WireChange {
  if (line.create) return { create: line.create }
  return line.del ? { del: true } : { op: line.op }
}
