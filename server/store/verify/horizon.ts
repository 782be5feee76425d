/** The content of a document where its op log begins: all that comes after is derived from it. */

import { typeOf } from '../../../types/index.ts'
import type { Full } from '../adapter.ts'
import type { Row } from '../layout.ts'
import { noDocument } from '../replay.ts'
import { fullOf as storedFull } from '../stored.ts'
import { inflated } from '../text.ts'
import { expect, readable, type Subject } from './difference.ts'

/** The composed ops of one document, by size and first version; as they are stored. */
export type Rungs = ReadonlyMap<number, ReadonlyMap<number, Uint8Array>>

export function rungsOf(rows: readonly Row<'rungs'>[]): Rungs {
  const sizes = new Map<number, Map<number, Uint8Array>>()
  for (const { size, v, op } of rows) {
    const rungs = sizes.get(size) ?? new Map<number, Uint8Array>()
    sizes.set(size, rungs.set(v, op))
  }
  return sizes
}

export interface Horizon {
  readonly v: number
  /** The last create or delete before it. */
  readonly turn: Row<'turns'> | undefined
  /** The last milestone at or before it that leads on (`leadsOn`). */
  readonly milestone: Row<'milestones'> | undefined
  readonly rungs: Rungs
}

/** Whether there is a way from a milestone to the horizon: it is there, or a rung begins where it is. */
export const leadsOn = (v: number, horizon: number, rungs: Rungs): boolean =>
  v === horizon || [...rungs].some(([size, those]) => v + size <= horizon && those.has(v))

/** From the last milestone before it, by rungs. Throws `STORE_CORRUPT` where they do not lead there. */
export function contentAt({ v, turn, milestone, rungs }: Horizon): Full {
  if (!turn || turn.type === null) return { ...noDocument, v }
  const found = milestone !== undefined && milestone.v > turn.v
  expect(found, 'content', v, 'the history begins here, and nothing says with what')
  let full = fullOf('milestone', milestone)
  while (full.v < v) {
    const [size, op] = longest(rungs, full.v, v) ?? []
    expect(size !== undefined, 'content', full.v, 'nothing leads from here to where the history begins')
    const data = readable('rung', full.v, 'it', () =>
      typeOf(turn.type!).apply(full.data, JSON.parse(inflated(op!))),
    )
    full = { ...full, v: full.v + size, data }
  }
  return full
}

/** The longest rung from `from` that does not go beyond `to`. */
function longest(rungs: Rungs, from: number, to: number): [size: number, op: Uint8Array] | undefined {
  const sizes = [...rungs.keys()].filter(size => from + size <= to).sort((a, b) => b - a)
  for (const size of sizes) {
    const op = rungs.get(size)!.get(from)
    if (op) return [size, op]
  }
  return undefined
}

/** The content of a snapshot or a milestone, known to be a document of its type. */
export function fullOf(subject: Subject, row: Row<'snapshots'> | Row<'milestones'>): Full {
  const { v, type } = row
  return readable(subject, v, 'it', () => {
    const full = storedFull(row)
    if (type === null) return { ...full, data: undefined }
    const fault = typeOf(type).checkData(full.data)
    if (fault) throw new Error(fault.message)
    return full
  })
}
