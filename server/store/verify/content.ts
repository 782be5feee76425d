/** What follows from the op log of one document and is kept: its content, in snapshots and milestones, and its rungs. */

import { extentOfChange, fromWire } from '../../../ops/change.ts'
import { typeOf } from '../../../types/index.ts'
import type { Extent } from '../../../types/type.ts'
import type { Full } from '../adapter.ts'
import { lengthCredited, lengthToCredit } from '../history.ts'
import type { Row } from '../layout.ts'
import { type Range, Ranges } from '../ranges.ts'
import { contentOf, replay } from '../replay.ts'
import type { StoredOp } from '../store.ts'
import { inflated } from '../text.ts'
import { differ, expect, readable } from './difference.ts'
import { contentAt, fullOf, leadsOn, type Rungs } from './horizon.ts'
import type { DocRows } from './rows.ts'

/** What is kept of one document and can be held in memory. */
export interface Kept {
  readonly snapshot: Row<'snapshots'> | undefined
  readonly credits: Row<'credits'> | undefined
  readonly rungs: Rungs
  /** Versions that have a name: each is kept as a milestone. */
  readonly marked: Iterable<number>
}

/** Replays the log, op by op, and looks at what is kept of each version as it passes. */
export class Content {
  readonly #doc: Row<'docs'>
  readonly #milestones: DocRows<'milestones'>
  readonly #kept: Kept
  readonly #ranges: Ranges
  /** Named versions of which no milestone was met yet. */
  readonly #marked: Set<number>
  #ahead: readonly Row<'milestones'>[] = []
  /** The first milestone that has not been passed. */
  #next: Row<'milestones'> | undefined
  #full: Full | null = null

  constructor(doc: Row<'docs'>, milestones: DocRows<'milestones'>, kept: Kept) {
    this.#doc = doc
    this.#milestones = milestones
    this.#kept = kept
    this.#marked = new Set(kept.marked)
    const sizes = [...kept.rungs.keys()].sort((a, b) => a - b)
    this.#ranges = new Ranges(sizes, (range, end) => this.#compare(range, end))
  }

  /** From the horizon, where `turn` was the last create or delete before. */
  async begin(turn: Row<'turns'> | undefined): Promise<void> {
    const { horizon, v: head } = this.#doc
    await this.#advance()
    let milestone: Row<'milestones'> | undefined
    while (this.#next && this.#next.v <= horizon) {
      fullOf('milestone', this.#next)
      if (leadsOn(this.#next.v, horizon, this.#kept.rungs)) milestone = this.#next
      await this.#advance()
    }
    this.#full = contentAt({ v: horizon, turn, milestone, rungs: this.#kept.rungs })
    this.#expectRungs()
    const { snapshot, credits } = this.#kept
    expectBetween('snapshot', horizon, snapshot?.v ?? 0, head)
    if (credits || horizon > 0) expectBetween('credits', horizon, credits?.v ?? 0, head)
    this.#look(this.#full)
  }

  /** Answers how much the op put in and took out. */
  async take(op: StoredOp): Promise<Extent> {
    const before = this.#full!
    const after = readable('content', op.v, 'the op', () => replay(before, [op]))
    this.#full = after
    this.#ranges.take(before, op.create || op.del ? undefined : op.op, after)
    this.#look(after)
    if (this.#next?.v === after.v) {
      expectEqual('milestone', fullOf('milestone', this.#next), after)
      await this.#advance()
    }
    return readable('content', op.v, 'the op', () => extentOfChange(fromWire(op), contentOf(before)))
  }

  end(): void {
    if (this.#next) differ('milestone', this.#next.v, 'it is of a version beyond the head')
    const [unkept] = this.#marked
    if (unkept !== undefined) differ('mark', unkept, 'what the named version was is not kept')
  }

  #look(full: Full): void {
    const { snapshot, credits } = this.#kept
    if (snapshot?.v === full.v) expectEqual('snapshot', fullOf('snapshot', snapshot), full)
    if (credits?.v === full.v) expectCovered(credits, full)
  }

  async #advance(): Promise<void> {
    if (this.#ahead.length === 0) this.#ahead = await this.#milestones.take(this.#doc.num)
    this.#next = this.#ahead[0]
    this.#ahead = this.#ahead.slice(1)
    if (this.#next) this.#marked.delete(this.#next.v)
  }

  /** Of those before the horizon no more can be said than that they can be read. */
  #expectRungs(): void {
    const { v: head, horizon } = this.#doc
    for (const [size, rungs] of this.#kept.rungs) {
      for (const [v, stored] of rungs) {
        const holds = size > 1 && v % size === 0 && v + size <= head
        expect(holds, 'rung', v, `one of ${size} versions cannot begin here`)
        if (v < horizon) read(v, stored)
      }
    }
  }

  /** A rung that composes otherwise is one all the same if it does the same to the document. */
  #compare({ size, v, start, composed }: Range, end: Full): void {
    const stored = this.#kept.rungs.get(size)?.get(v)
    if (!stored) return
    const op = read(v, stored)
    expect(composed.kind !== 'turn', 'rung', v, `one of ${size} versions spans a create or a delete`)
    if (!start) return
    const type = typeOf(start.type!)
    const fault = type.checkOp(op)
    expect(fault === null, 'rung', v, 'it is no op of the type of its document')
    if (composed.kind === 'op' && type.equalOps(op, composed.op)) return
    const same = readable('rung', v, 'it', () => type.equalDocs(type.apply(start.data, op), end.data))
    expect(same, 'rung', v, `one of ${size} versions is not what its ops compose to`)
  }
}

const read = (v: number, rung: Uint8Array): unknown =>
  readable('rung', v, 'it', () => JSON.parse(inflated(rung)))

/** Whether what is kept of a version is of one that is in the log; what was derived further back leads nowhere. */
function expectBetween(subject: 'snapshot' | 'credits', horizon: number, v: number, head: number): void {
  expect(v <= head, subject, v, `it is of a version beyond the head, which is ${head}`)
  expect(v >= horizon, subject, v, `there is none of a version from ${horizon} on, where the history begins`)
}

function expectCovered({ v, runs }: Row<'credits'>, full: Full): void {
  const length = readable('credits', v, 'it', () => lengthCredited(JSON.parse(inflated(runs))))
  const whole = lengthToCredit(full)
  expect(length === whole, 'credits', v, `it tells the writers of ${length} units, of ${whole}`)
}

function expectEqual(subject: 'snapshot' | 'milestone', stored: Full, { v, type, data }: Full): void {
  const same = stored.type === type && (type === null || typeOf(type).equalDocs(stored.data, data))
  expect(same, subject, v, 'its content is not what the ops make')
}
