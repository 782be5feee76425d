/**
 * The transaction of a group of commits, in two flushes:
 *
 *   ->  BEGIN, lock the collections, look up documents and writers
 *   <-  where things stand; `decide` (books.ts)
 *   ->  write it all, COMMIT
 *
 * The lock on its collection is the only one that a commit takes. It lets the servers decide one after another, so that
 * numbers of changes rise in the order in which they become visible, and never leave a gap. They are locked by name: two
 * groups that want the same ones wait in one direction.
 *
 * Law: when this rejects, nothing was written, or, if the answer to COMMIT was lost, all of it may have been. Then nobody
 * knows; the ledger lets the same commits be tried again.
 */

import type pg from 'pg'
import { type DocKey, keyText } from '../../../ops/identity.ts'
import type { Commit } from '../adapter.ts'
import { type Books, type Decision, decide, type Verdict, verdictsOf } from '../books.ts'
import { START } from '../chain.ts'
import { jsonOrNull, quoted } from '../text.ts'
import { textArray } from './arrays.ts'
import { checkCommitted, type Statement, together } from './connections.ts'
import { appending } from './statements.ts'

/** Serialization failure and deadlock: Postgres has undone the transaction and wants it to be tried again. */
const AGAIN = new Set(['40001', '40P01'])
const TRIES = 5

export class Appending {
  readonly #pool: pg.Pool
  /** Collections that have a row for certain; they keep it. */
  readonly #known = new Set<string>()

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async append(commits: readonly Commit[]): Promise<Verdict[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#transact(commits)
      } catch (error) {
        if (tries === TRIES || !AGAIN.has((error as { code: string }).code)) throw error
      }
    }
  }

  async #transact(commits: readonly Commit[]): Promise<Verdict[]> {
    const client = await this.#pool.connect()
    try {
      const decision = decide(commits, await this.#begin(client, commits))
      await finish(client, decision)
      client.release()
      for (const collection of decision.changes.keys()) this.#known.add(quoted(collection))
      return verdictsOf(decision)
    } catch (error) {
      // Whatever the transaction has come to: without its connection it ends.
      client.release(true)
      throw error
    }
  }

  /** The first flush: where things stand. */
  async #begin(client: pg.PoolClient, commits: readonly Commit[]): Promise<Books> {
    const names = [...new Set(commits.map(({ key }) => quoted(key.collection)))].sort()
    const unknown = names.filter(name => !this.#known.has(name))
    const fresh = distinct(commits.filter(({ op }) => op.v === 0).map(({ key }) => key))
    const asked = distinctWriters(commits)
    const columns = transposed(3, asked, ({ key, src }) => [...quotedKey(key), src])
    const flush = [client.query('BEGIN')]
    const send = (statement: Statement, ...values: unknown[]) => flush.push(run(client, statement, values))
    if (unknown.length > 0) send(appending.addCollections, unknown)
    const lock = send(appending.lock, names) - 1
    if (fresh.length > 0) send(appending.addDocs, ...transposed(2, fresh, quotedKey), START)
    send(appending.load, ...columns)
    const answers = await together(flush)
    const counted = answers[lock]!.rows as unknown as [string, number][]
    if (counted.length < names.length) {
      this.#known.clear()
      throw new Error('a collection has lost its row')
    }
    return booksOf(asked, answers.at(-1)!.rows as unknown as Loaded[], new Map(counted))
  }
}

type Loaded = [
  i: number,
  num: number,
  v: number,
  type: string | null,
  hash: string,
  at: number,
  writers: number,
  change: number,
  writer: number | null,
  seq: number,
  vOfSeq: number,
  seal: string | null,
]

interface Asked {
  readonly key: DocKey
  readonly src: string | null
}

function booksOf(asked: readonly Asked[], rows: readonly Loaded[], changes: Map<string, number>): Books {
  const docs = new Map<string, ReturnType<Books['doc']>>()
  const writersOf = new Map<string, ReturnType<Books['writer']>>()
  for (const [i, num, v, type, hash, at, writers, change, writer, seq, vOfSeq, seal] of rows) {
    const { key, src } = asked[i - 1]!
    docs.set(keyText(key), { num, v, type, hash, at, writers, change })
    if (writer !== null) writersOf.set(`${num} ${src}`, { writer, seq, v: vOfSeq, seal })
  }
  return {
    doc: key => docs.get(keyText(key)) ?? null,
    writer: (doc, src) => writersOf.get(`${doc} ${quoted(src)}`) ?? null,
    changes: collection => changes.get(quoted(collection))!,
  }
}

/** The second flush: what was decided. */
async function finish(client: pg.PoolClient, decision: Decision): Promise<void> {
  if (decision.ops.length === 0) return void (await client.query('ROLLBACK'))
  const writing = run(client, appending.write, parametersOf(decision))
  const answers = await together<pg.QueryResult>([writing, client.query('COMMIT')])
  checkCommitted(answers[1]!)
}

function parametersOf({ docs, writers, ops, changes }: Decision): unknown[] {
  const turns = ops.filter(({ commit: { op } }) => op.create || op.del)
  return [
    ...transposed(2, [...changes], ([collection, change]) => [quoted(collection), change]),
    ...transposed(7, docs, ({ num, v, type, hash, at, change, writers }) => {
      return [num, v, type, hash, at, change, writers]
    }),
    ...transposed(6, writers, ({ doc, writer, src, seq, v, seal }) => {
      return [doc.num, writer, quoted(src), seq, v, seal]
    }),
    ...transposed(3, turns, ({ doc, v, commit }) => [doc.num, v, commit.after.type]),
    ...transposed(5, ops, ({ doc, v, writer, commit: { op } }) => {
      return [doc.num, v, writer, writer === null ? null : op.seq!, op.at]
    }),
    textArray(ops.map(({ commit }) => commit.body)),
    ...transposed(2, ops, ({ hash, commit: { op } }) => [jsonOrNull(op.meta), hash]),
  ]
}

/** Rows of `width` values as columns. */
function transposed<T>(
  width: number,
  items: readonly T[],
  row: (item: T) => readonly unknown[],
): unknown[][] {
  const columns: unknown[][] = Array.from({ length: width }, () => [])
  for (const item of items) for (const [i, value] of row(item).entries()) columns[i]!.push(value)
  return columns
}

const run = (client: pg.PoolClient, { name, text }: Statement, values: unknown[]) =>
  client.query<unknown[]>({ name, text, values, rowMode: 'array' })

const quotedKey = ({ collection, id }: DocKey) => [quoted(collection), quoted(id)]

const distinct = (keys: readonly DocKey[]): DocKey[] => [
  ...new Map(keys.map(key => [keyText(key), key])).values(),
]

/** The writers of a group, and where an op has none its document alone. */
function distinctWriters(commits: readonly Commit[]): Asked[] {
  const asked = commits.map(({ key, op }) => ({ key, src: op.src === undefined ? null : quoted(op.src) }))
  return [...new Map(asked.map(each => [JSON.stringify([keyText(each.key), each.src]), each])).values()]
}
