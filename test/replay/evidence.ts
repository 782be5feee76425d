/** What a replay left behind, and what must be true of it. */

import { join } from 'node:path'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { typeOf } from '../../types/index.ts'
import { type History, ranksOf } from '../traces/history.ts'
import type { Address } from './author.ts'

/** The op log played from its beginning. */
export interface PlayedLog {
  readonly document: string
  readonly versions: number
  /** Names that stand in it more than once, and versions out of order. */
  readonly faults: readonly string[]
}

export interface Evidence {
  /** What each author sees. */
  readonly documents: readonly string[]
  /** Edits that were put aside for a person. */
  readonly held: number
  /** What the server answers. */
  readonly snapshot: unknown
  readonly log: PlayedLog
}

/** Reads the op log of a server that was stopped. */
export async function playLog(data: string, address: Address): Promise<PlayedLog> {
  const store = openSqliteStore({ path: join(data, 'holdfast.sqlite') })
  const ops = await store.ops(address, 0, null)
  await store.close()
  const names = new Set<string>()
  const faults: string[] = []
  let document: unknown
  let type = ''
  for (const [index, op] of ops.entries()) {
    const name = `${op.src}:${op.seq}`
    if (names.has(name)) faults.push(`${name} is in the op log twice, again at version ${op.v}`)
    if (op.v !== index) faults.push(`the op log has version ${op.v} where ${index} belongs`)
    names.add(name)
    type = op.create?.type ?? type
    if (op.create) document = typeOf(type).create(op.create.data)
    else if (op.del) faults.push(`version ${op.v} deletes the document`)
    else document = typeOf(type).apply(document, op.op)
  }
  return { document: String(document), versions: ops.length, faults }
}

/** In words, with what was expected; empty when all is well. */
export function violationsOf(history: History, { documents, held, snapshot, log }: Evidence): string[] {
  const replicas = [
    ...documents.map((document, index) => [`author ${index}`, document] as const),
    ["the server's snapshot", snapshot] as const,
  ]
  const different = replicas.filter(([, document]) => document !== log.document)
  return [
    ...log.faults,
    ...(held > 0 ? [`${held} edits are held`] : []),
    ...different.map(([who]) => `${who} differs from the op log`),
    ...strayRanks(history, ranksOf(log.document)),
  ]
}

/** Characters that are missing, doubled, or that nobody should have left there. */
function strayRanks(history: History, found: readonly number[]): string[] {
  const expected = new Set(survivors(history))
  const seen = new Set(found)
  const missing = [...expected].filter(rank => !seen.has(rank))
  const stray = found.filter(rank => !expected.has(rank))
  const text = found
    .toSorted((a, b) => a - b)
    .map(rank => history.chars[rank])
    .join('')
  return [
    ...(missing.length > 0
      ? [`${missing.length} characters are missing, the first of rank ${missing[0]}`]
      : []),
    ...(stray.length > 0
      ? [`${stray.length} characters should not be there, the first of rank ${stray[0]}`]
      : []),
    ...(seen.size < found.length ? [`${found.length - seen.size} characters are doubled`] : []),
    ...(text === history.end ? [] : ['the characters do not spell the recorded end']),
  ]
}

/** The ranks at the end of the recording, ascending, which is their order there. */
function survivors({ edits }: History): number[] {
  const deleted = new Set(edits.flatMap(edit => edit.deleted))
  return edits
    .flatMap(edit => edit.inserted)
    .filter(rank => !deleted.has(rank))
    .sort((a, b) => a - b)
}

/** The share of neighbours in the recorded end that are neighbours, in that order, here: 1 is the recorded text. */
export function neighboursKept(history: History, found: readonly number[]): number {
  const next = new Map<number, number>()
  survivors(history).forEach((rank, index, all) => {
    if (index > 0) next.set(all[index - 1]!, rank)
  })
  const kept = found.filter((rank, index) => index > 0 && next.get(found[index - 1]!) === rank).length
  return next.size === 0 ? 1 : kept / next.size
}
