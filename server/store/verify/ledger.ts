/** What is kept beside the op log and says the same again: who wrote last and when, and where documents came and went. */

import type { KeptOp } from '../engine.ts'
import type { Row } from '../layout.ts'
import type { StoredOp } from '../store.ts'
import { differ, expect } from './difference.ts'
import type { Srcs } from './log.ts'

/** The last op of each src, as the log goes by. */
export class Ledger {
  readonly #last = new Map<string, { seq: number; v: number }>()

  take({ v, src, seq }: KeptOp): void {
    expect((src === null) === (seq === null), 'ledger', v, 'its op has half a name')
    if (src === null) return
    const former = this.#last.get(src)
    if (former) {
      expect(seq! > former.seq, 'ledger', v, `seq ${seq} of a src comes after its seq ${former.seq}`)
    }
    this.#last.set(src, { seq: seq!, v })
  }

  /** A writer without an op in the log wrote before the horizon. */
  end({ writers, horizon, v }: Row<'docs'>, rows: readonly Row<'writers'>[], srcs: Srcs): void {
    const counted = rows.length === writers && rows.every(({ writer }, i) => writer === i + 1)
    expect(counted, 'ledger', v, `its writers are not numbered from 1 to ${writers}`)
    for (const row of rows) {
      const src = srcs.get(row.writer)!
      const last = this.#last.get(src)
      this.#last.delete(src)
      if (last) {
        const { seq } = last
        expect(row.seq === seq, 'ledger', last.v, `it says seq ${row.seq} of a src, the log ${seq}`)
        expect(row.v === last.v, 'ledger', last.v, `it has the last op of a src at version ${row.v}`)
      } else expect(row.v < horizon, 'ledger', row.v, 'the log has no op of its writer there')
    }
    for (const { v } of this.#last.values()) differ('ledger', v, 'the src of this op is not in it')
  }
}

/** Creates and deletes, as the log goes by. */
export class Turns {
  readonly #rows: readonly Row<'turns'>[]
  #next: number
  /** The document's type, null while it does not exist. */
  type: string | null

  constructor(rows: readonly Row<'turns'>[], horizon: number) {
    this.#rows = rows
    this.#next = rows.findIndex(({ v }) => v >= horizon)
    if (this.#next < 0) this.#next = rows.length
    this.type = rows[this.#next - 1]?.type ?? null
  }

  take({ v, create, del }: StoredOp): void {
    if (!create && !del) return
    expect(!create || this.type === null, 'turn', v, 'a document is created that exists')
    this.type = create?.type ?? null
    const row = this.#rows[this.#next++]
    expect(row?.v === v, 'turn', v, 'a create or delete is not noted, or noted elsewhere')
    expect(row.type === this.type, 'turn', v, 'a create is noted with another type')
  }

  end({ v, type }: Row<'docs'>): void {
    const over = this.#rows[this.#next]
    if (over) differ('turn', over.v, 'what is noted as a create or delete is none')
    expect(type === this.type, 'head', v, 'the type of the document is not that of its last create')
  }
}
