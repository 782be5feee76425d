/**
 * What ShareDB's memory databases hold of one document, and a backend that holds it: the untyped edge of the history
 * benchmark. The shapes are those of `sharedb/lib/submit-request.js`.
 *
 * To type 259,778 edits through ShareDB takes minutes, because it copies the document for each. So the log is written
 * here as ShareDB would have; a test holds it against one that ShareDB wrote.
 */

import { createRequire } from 'node:module'
import { type Splice, spliceString, type TextOp, textOp } from '../../traces/splice.ts'
import type { StockBackend, StockConnection } from '../peers/stock.ts'
import { CREATED } from './keeper.ts'
import { stampsOf } from './sittings.ts'

export interface LoggedOp {
  readonly src: string
  readonly seq: number
  readonly v: number
  readonly m: { readonly ts: number }
  readonly create?: { readonly type: string; readonly data: string }
  readonly op?: TextOp
}

export interface LoggedSnapshot {
  readonly id: string
  readonly v: number
  readonly type: string
  readonly data: string
  readonly m: { readonly ctime: number; readonly mtime: number; readonly _create: object }
}

export interface Log {
  readonly ops: readonly LoggedOp[]
  readonly milestones: readonly LoggedSnapshot[]
  readonly document: LoggedSnapshot
}

export const COLLECTION = 'bench'
export const ID = 'automerge-paper'

/** An op for the creation and one for each edit, and the document at every `interval`th version and at the end. */
export function logOf(edits: readonly Splice[], type: string, interval: number): Log {
  const stamps = stampsOf(CREATED + edits.length)
  const named = (v: number) => ({ src: stamps[v]!.src, seq: stamps[v]!.seq, v, m: { ts: stamps[v]!.at } })
  const _create = { src: stamps[0]!.src, seq: stamps[0]!.seq, v: 0 }
  const ops: LoggedOp[] = [{ ...named(0), create: { type, data: '' } }]
  const milestones: LoggedSnapshot[] = []
  let data = ''
  const snapshot = () => {
    const m = { ctime: stamps[0]!.at, mtime: stamps[ops.length - 1]!.at, _create }
    return { id: ID, v: ops.length, type, data, m }
  }
  for (const edit of edits) {
    ops.push({ ...named(ops.length), op: textOp(edit) })
    data = spliceString(data, edit)
    if (ops.length % interval === 0) milestones.push(snapshot())
  }
  return { ops, milestones, document: snapshot() }
}

// ---- ShareDB's side ----

type Done<T> = (error: Error | null, result: T) => void

interface MemoryDb {
  readonly docs: Record<string, Record<string, LoggedSnapshot>>
  readonly ops: Record<string, Record<string, readonly LoggedOp[]>>
}

interface MemoryMilestones {
  readonly _milestoneSnapshots: Record<string, Record<string, readonly LoggedSnapshot[]>>
}

interface Backend extends StockBackend {
  readonly db: MemoryDb
  readonly milestoneDb: MemoryMilestones
  fetch(agent: object, collection: string, id: string, done: Done<LoggedSnapshot>): void
  fetchSnapshot(
    agent: object,
    collection: string,
    id: string,
    version: number,
    done: Done<LoggedSnapshot>,
  ): void
  getOps(
    agent: object,
    collection: string,
    id: string,
    from: number,
    to: number,
    done: Done<LoggedOp[]>,
  ): void
}

const Sharedb = createRequire(import.meta.url)('sharedb') as {
  new (options: { db: MemoryDb; milestoneDb: MemoryMilestones }): Backend
  readonly MemoryDB: new () => MemoryDb
  readonly MemoryMilestoneDB: new (options: { interval: number }) => MemoryMilestones
}

/** ShareDB with one document, asked as its agents ask the backend for a client. */
export class LogServer {
  readonly #backend: Backend
  readonly #agent: object

  /** Without a log it has no document. */
  constructor(interval: number, log?: Log) {
    const [db, milestoneDb] = [new Sharedb.MemoryDB(), new Sharedb.MemoryMilestoneDB({ interval })]
    if (log) {
      db.docs[COLLECTION] = { [ID]: log.document }
      db.ops[COLLECTION] = { [ID]: log.ops }
      milestoneDb._milestoneSnapshots[COLLECTION] = { [ID]: log.milestones }
    }
    this.#backend = new Sharedb({ db, milestoneDb })
    this.#agent = (this.connect() as StockConnection & { agent: object }).agent
  }

  /** What it holds now. */
  get log(): Log {
    const { db, milestoneDb } = this.#backend
    return {
      ops: db.ops[COLLECTION]![ID]!,
      milestones: milestoneDb._milestoneSnapshots[COLLECTION]?.[ID] ?? [],
      document: db.docs[COLLECTION]![ID]!,
    }
  }

  connect(): StockConnection {
    return this.#backend.connect()
  }

  document(): Promise<LoggedSnapshot> {
    return called(done => this.#backend.fetch(this.#agent, COLLECTION, ID, done))
  }

  version(v: number): Promise<LoggedSnapshot> {
    return called(done => this.#backend.fetchSnapshot(this.#agent, COLLECTION, ID, v, done))
  }

  ops(from: number, to: number): Promise<LoggedOp[]> {
    return called(done => this.#backend.getOps(this.#agent, COLLECTION, ID, from, to, done))
  }
}

const called = <T>(call: (done: Done<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)))
  })
