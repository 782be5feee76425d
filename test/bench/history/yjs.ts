/**
 * A Yjs document as a server keeps it that wants its history: garbage collection off, each update a row of a SQLite
 * table (as y-leveldb keeps them under a key each), and snapshots of the versions that it is to show later.
 *
 *   yjs           a row for each update
 *   yjs-merged    one row, all updates merged: the least that Yjs needs; a server would have to merge again and again
 *
 * A snapshot (state vector and delete set) must have been taken while the document stood there: Yjs has no other versions.
 * Whoever opens keeps the document in memory and answers from there.
 */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as Y from 'yjs'
import { TextWriter } from '../../../types/textop.ts'
import { type Splice, spliceShared, type TextOp } from '../../traces/splice.ts'
import { answer } from '../process.ts'
import { bytes, type KeeperCalls, timed, whole } from './keeper.ts'

const FILE = 'yjs.db'
/** As long as a random one mostly is. */
const CLIENT = 0x6b8f24d1

let database: DatabaseSync
let doc: Y.Doc

answer<KeeperCalls>({
  async feed({ directories, edits, every }) {
    const { updates, snapshots, merged, mergedV2 } = typed(edits, every)
    for (const [system, directory] of Object.entries(directories))
      store(join(directory, FILE), system === 'yjs-merged' ? [merged] : updates, snapshots)
    return [
      `updates ${bytes(sum(updates))} in ${updates.length.toLocaleString('en')} rows`,
      `merged ${bytes(merged.length)} (in format V2 ${bytes(mergedV2)})`,
      `${snapshots.size} snapshots, one every ${every} edits, ${bytes(sum([...snapshots.values()]))}`,
    ]
  },
  async open({ directory }) {
    const { ms: startMs } = await timed(() => {
      database = new DatabaseSync(join(directory, FILE))
    })
    return { startMs, ...(await timed(() => whole(load()))) }
  },
  version: edits => timed(() => whole(Y.createDocFromSnapshot(doc, snapshotAt(edits)).getText().toString())),
  async delta({ from, to }) {
    const { ms, value } = await timed(() => doc.getText().toDelta(snapshotAt(to), snapshotAt(from)))
    return { ms, value: opOf(value) }
  },
})

/** Types the whole history into a document. */
function typed(edits: readonly Splice[], every: number) {
  const doc = new Y.Doc({ gc: false })
  doc.clientID = CLIENT
  const updates: Uint8Array[] = []
  doc.on('update', update => updates.push(update))
  const snapshots = new Map([[0, Y.encodeSnapshot(Y.emptySnapshot)]])
  for (const [index, edit] of edits.entries()) {
    doc.transact(() => spliceShared(doc.getText(), edit))
    if ((index + 1) % every === 0) snapshots.set(index + 1, Y.encodeSnapshot(Y.snapshot(doc)))
  }
  // Not Y.mergeUpdates: it had not merged 259,778 updates after seven minutes. With gc off this is the same update.
  const merged = Y.encodeStateAsUpdate(doc)
  return { updates, snapshots, merged, mergedV2: Y.encodeStateAsUpdateV2(doc).length }
}

function store(
  path: string,
  updates: readonly Uint8Array[],
  snapshots: ReadonlyMap<number, Uint8Array>,
): void {
  const database = new DatabaseSync(path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE updates (clock INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
    CREATE TABLE snapshots (edits INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
    BEGIN`)
  const addUpdate = database.prepare('INSERT INTO updates (value) VALUES (?)')
  for (const update of updates) addUpdate.run(update)
  const addSnapshot = database.prepare('INSERT INTO snapshots (edits, value) VALUES (?, ?)')
  for (const [edits, snapshot] of snapshots) addSnapshot.run(edits, snapshot)
  database.exec('COMMIT; VACUUM')
  // The last connection to close brings the write-ahead log into the file and removes it.
  database.close()
}

function load(): string {
  const rows = database.prepare('SELECT value FROM updates ORDER BY clock').all() as { value: Uint8Array }[]
  doc = new Y.Doc({ gc: false })
  doc.transact(() => {
    for (const { value } of rows) Y.applyUpdate(doc, value)
  })
  return doc.getText().toString()
}

function snapshotAt(edits: number): Y.Snapshot {
  const row = database.prepare('SELECT value FROM snapshots WHERE edits = ?').get(edits)
  if (!row) throw new Error(`there is no snapshot after ${edits} edits`)
  return Y.decodeSnapshot(row.value as Uint8Array)
}

/** Yjs marks in the text of both versions what was added and what removed. */
function opOf(runs: readonly { insert: string; attributes?: { ychange?: { type: string } } }[]): TextOp {
  const op = new TextWriter()
  for (const { insert, attributes } of runs) {
    const change = attributes?.ychange?.type
    if (change === 'added') op.insert(insert)
    else if (change === 'removed') op.delete(insert.length)
    else op.keep(insert.length)
  }
  return op.op() as TextOp
}

const sum = (values: readonly Uint8Array[]) => values.reduce((total, { length }) => total + length, 0)
