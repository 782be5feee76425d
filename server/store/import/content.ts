/** The content of a document that is imported, op by op, and what is kept of it on the way. */

import { type Change, type Content, checkChange, extentOfChange, fromWire } from '../../../ops/change.ts'
import { findType, type Type } from '../../../types/index.ts'
import type { Extent } from '../../../types/type.ts'
import type { Full } from '../adapter.ts'
import { lengthCredited, lengthToCredit } from '../history.ts'
import type { Row } from '../layout.ts'
import { type LineOf, must } from '../lines.ts'
import { Ranges } from '../ranges.ts'
import { contentOf, noDocument, replay } from '../replay.ts'
import type { StoredOp } from '../store.ts'
import { deflated, jsonOrNull } from '../text.ts'

type Part<T extends 'turns' | 'milestones' | 'rungs' | 'credits' | 'snapshots'> = Omit<Row<T>, 'doc'>

export class ReplayedContent {
  readonly turns: Part<'turns'>[] = []
  readonly milestones: Part<'milestones'>[] = []
  readonly rungs: Part<'rungs'>[] = []
  readonly #ranges: Ranges
  /** What the file says of versions up to the one where its history begins. */
  readonly #given = new Map<number, Full>()
  readonly #marked = new Set<number>()
  #credits: LineOf<'credits'> | null = null
  #from = 0
  #full: Full = noDocument

  constructor(rungSizes: readonly number[]) {
    this.#ranges = new Ranges(rungSizes, ({ size, v, composed }) => {
      if (composed.kind === 'op') this.rungs.push({ size, v, op: deflated(JSON.stringify(composed.op)) })
    })
  }

  trimmed({ from, turns }: LineOf<'from'>): void {
    this.#from = from
    for (const [v, type] of turns) {
      must(v < from && v > (this.turns.at(-1)?.v ?? -1), `its creates and deletes do not rise up to ${from}`)
      if (type !== null) knownType(type)
      this.turns.push({ v, type })
    }
  }

  content({ content: v, type, data }: LineOf<'content'>): void {
    must(v <= this.#from && !this.#given.has(v), `the document at version ${v} cannot be said here`)
    const full = { v, type, data: type === null ? undefined : data, meta: null }
    if (type !== null) {
      const fault = knownType(type).checkData(data)
      must(fault === null, `${fault?.code}: ${fault?.message}`)
    }
    this.#given.set(v, full)
    this.#keep(full)
  }

  /** A named version: its content is kept. */
  mark(v: number): void {
    must(
      v >= this.#from || this.#given.has(v),
      'no line that begins with "content" says what its version was',
    )
    this.#marked.add(v)
  }

  credit(line: LineOf<'credits'>): void {
    const { credits: v, srcs, runs } = line
    must(this.#from > 0 && v >= this.#from, 'writers are told from where a trimmed history begins')
    must(
      runs.every(([, i]) => i < srcs.length),
      'a run names no writer',
    )
    this.#credits = line
  }

  /** Before the first op of the history. */
  begin(): void {
    if (this.#from > 0) this.#full = this.#opening()
    this.#passed()
  }

  #opening(): Full {
    const type = this.turns.at(-1)?.type ?? null
    const given = this.#given.get(this.#from) ?? { ...noDocument, v: this.#from }
    must(given.type === type, `nothing says what the document was at version ${this.#from}`)
    this.#credits ??= unknownCredits(given)
    return given
  }

  /** Answers how much the op puts in and takes out. Throws when it does not fit. */
  take(op: StoredOp): Extent {
    const before = this.#full
    const content = contentOf(before)
    if (op.create) checkCreate(op.create)
    const change = fromWire(op)
    const fault = faultOf(change, content)
    must(fault === null, `${fault?.code}: ${fault?.message}`)
    const after = replay(before, [op])
    if (op.create || op.del) this.turns.push({ v: op.v, type: after.type })
    this.#ranges.take(before, op.create || op.del ? undefined : op.op, after)
    this.#full = after
    this.#passed()
    return extentOfChange(change, content)
  }

  /** The document when all ops were taken, as it is written down. */
  snapshot(): Part<'snapshots'> {
    const { v, type, data, meta } = this.#full
    return { v, type, data: type === null ? null : JSON.stringify(data), meta: jsonOrNull(meta) }
  }

  credits(): Part<'credits'>[] {
    if (this.#credits === null) return []
    const { credits: v, srcs, runs } = this.#credits
    must(v <= this.#full.v, 'writers are told beyond the head')
    return [{ v, runs: deflated(JSON.stringify({ srcs, runs })) }]
  }

  #passed(): void {
    const full = this.#full
    if (this.#marked.has(full.v) && !this.#given.has(full.v)) this.#keep(full)
    if (this.#credits?.credits !== full.v) return
    const length = lengthCredited(this.#credits)
    must(
      length === lengthToCredit(full),
      `the writers of ${length} units are told, the document has ${lengthToCredit(full)}`,
    )
  }

  #keep({ v, type, data }: Full): void {
    const content = type === null ? null : deflated(JSON.stringify(data))
    this.milestones.push({ v, mtime: null, type, data: content, meta: null })
  }
}

function knownType(uri: string): Type {
  const type = findType(uri)
  must(type !== undefined && type.uri === uri, `no type is called ${uri}`)
  return type
}

function checkCreate({ type, data }: { type: string; data?: unknown }): void {
  const known = knownType(type)
  const fault = data === undefined ? null : known.checkData(data)
  must(fault === null, `${fault?.code}: ${fault?.message}`)
}

/** A delete of what is not there was once allowed. */
const faultOf = (change: Change, content: Content) =>
  'del' in change && content.type === null ? null : checkChange(change, content)

const unknownCredits = (full: Full): LineOf<'credits'> => {
  const units = lengthToCredit(full)
  return { credits: full.v, srcs: [null], runs: units > 0 ? [[units, 0]] : [] }
}
