/** A document's content in one form for all systems, to be compared between processes by its hash. */

import { createHash } from 'node:crypto'

export type Kind = 'text' | 'rich'

interface Run {
  insert: unknown
  attributes?: Record<string, unknown>
}

export interface Digest {
  readonly hash: string
  /** The same for all orders of the characters: what two systems agree on that break ties otherwise. */
  readonly letters: string
  /** In UTF-16 units. */
  readonly length: number
}

/** Of a string, or of the runs of a rich document (a Delta's `ops`; Yjs' `toDelta`). */
export function digest(content: string | readonly Run[]): Digest {
  const text = typeof content === 'string' ? content : content.map(run => String(run.insert)).join('')
  const canonical = typeof content === 'string' ? content : JSON.stringify(joined(content))
  return { hash: sha256(canonical), letters: sha256(Array.from(text).sort().join('')), length: text.length }
}

/** Adjacent runs of the same format are one, however a system has cut them. */
function joined(runs: readonly Run[]): [unknown, string][] {
  const out: [unknown, string][] = []
  for (const { insert, attributes = {} } of runs) {
    const format = JSON.stringify(attributes)
    const last = out.at(-1)
    if (last && last[1] === format && typeof insert === 'string') last[0] = `${last[0]}${insert}`
    else out.push([insert, format])
  }
  return out
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
