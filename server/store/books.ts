/**
 * The decision about a group of commits: which of them stand, and what is written for those. Pure but for the records
 * that it keeps while it goes along, so that every engine decides alike: an engine looks up where things stand, asks
 * `decide`, and writes down what it answers, all in one transaction.
 *
 * Laws: a version is given once; a name `(src, seq)` is written once, for ever; the seqs of a src rise; each op of a
 * collection has the next number of its changes.
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import type { Commit } from './adapter.ts'
import { chained, type Receipt, START } from './chain.ts'
import type { WriterRow } from './engine.ts'
import { mayBeSame } from './seals.ts'

export type Verdict =
  | { readonly kind: 'committed'; readonly doc: number; readonly receipt: Receipt }
  /** Somebody else's op has this version. */
  | { readonly kind: 'taken' }
  /** This op was committed before, at `v`. */
  | { readonly kind: 'again'; readonly v: number }
  /** Another op has this name. */
  | { readonly kind: 'another'; readonly v: number }
  /** A later op of this src was committed before it. */
  | { readonly kind: 'passed'; readonly seq: number }

/** Why a commit does not stand. */
export type Refusal = Exclude<Verdict, { kind: 'committed' }>

/** Where a document stands, and at the end of `decide` where it will. */
export interface DocEntry {
  readonly key: DocKey
  /** Null until the engine has given it one. */
  num: number | null
  v: number
  type: string | null
  hash: string
  at: number
  /** How many writers it has had. */
  writers: number
  /** Number of its last change in its collection. */
  change: number
}

/** The last op of a writer, see `WriterRow`. */
export interface WriterEntry {
  readonly doc: DocEntry
  readonly src: string
  readonly writer: number
  readonly seq: number
  readonly v: number
  readonly seal: string
}

export interface OpEntry {
  readonly doc: DocEntry
  readonly v: number
  readonly writer: number | null
  readonly commit: Commit
  readonly hash: string
}

/** Where things stand before the group; each is asked at most once for the same thing. */
export interface Books {
  doc(key: DocKey): Omit<DocEntry, 'key'> | null
  writer(doc: number, src: string): WriterRow | null
  /** The number of the last change of a collection. */
  changes(collection: string): number
}

export interface Decision {
  /** One for each commit. */
  readonly outcomes: readonly (OpEntry | Refusal)[]
  /** What is to be written: documents and writers as they stand after the group, ops in their order. */
  readonly docs: readonly DocEntry[]
  readonly writers: readonly WriterEntry[]
  readonly ops: readonly OpEntry[]
  /** Last number of each collection that changed. */
  readonly changes: ReadonlyMap<string, number>
}

export function decide(commits: readonly Commit[], books: Books): Decision {
  const docs = new Map<string, DocEntry>()
  const writers = new Map<string, WriterEntry>()
  const changes = new Map<string, number>()

  function docOf(key: DocKey): DocEntry {
    const text = keyText(key)
    const known = docs.get(text)
    if (known) return known
    const none = { num: null, v: 0, type: null, hash: START, at: 0, writers: 0, change: 0 }
    const entry = { ...(books.doc(key) ?? none), key }
    docs.set(text, entry)
    return entry
  }

  function take(commit: Commit): OpEntry | Refusal {
    const { key, op, body, seal, after } = commit
    const doc = docOf(key)
    const [src, seq] = op.src === undefined ? [null, null] : [op.src, op.seq!]
    const text = JSON.stringify([key.collection, key.id, src])
    const last =
      src === null ? null : (writers.get(text) ?? (doc.num === null ? null : books.writer(doc.num, src)))
    const refusal = last && standingOf(last, seq!, seal)
    if (refusal) return refusal
    if (op.v !== doc.v) return { kind: 'taken' }
    const change = (changes.get(key.collection) ?? books.changes(key.collection)) + 1
    changes.set(key.collection, change)
    const hash = chained(doc.hash, src, seq, body)
    Object.assign(doc, { v: op.v + 1, type: after.type, hash, at: op.at, change })
    if (src === null) return { doc, v: op.v, writer: null, commit, hash }
    const writer = last?.writer ?? ++doc.writers
    writers.set(text, { doc, src, writer, seq: seq!, v: op.v, seal })
    return { doc, v: op.v, writer, commit, hash }
  }

  const outcomes = commits.map(take)
  const ops = outcomes.filter(isOp)
  return {
    outcomes,
    ops,
    docs: [...new Set(ops.map(({ doc }) => doc))],
    writers: [...writers.values()],
    changes,
  }
}

/** What a writer's last op says about another one of its; null: it is new. */
export function standingOf(
  last: Pick<WriterRow, 'seq' | 'v' | 'seal'>,
  seq: number,
  seal: string,
): Refusal | null {
  if (seq > last.seq) return null
  if (seq < last.seq) return { kind: 'passed', seq: last.seq }
  return mayBeSame(last.seal, seal) ? { kind: 'again', v: last.v } : { kind: 'another', v: last.v }
}

/** The verdicts, once every document has its number. */
export const verdictsOf = ({ outcomes }: Decision): Verdict[] =>
  outcomes.map(outcome =>
    isOp(outcome)
      ? { kind: 'committed', doc: outcome.doc.num!, receipt: { v: outcome.v + 1, hash: outcome.hash } }
      : outcome,
  )

const isOp = (outcome: Decision['outcomes'][number]): outcome is OpEntry => 'commit' in outcome
