/**
 * Holdfast's store on its SQLite file. Each edit is committed as a version of its own, many in one turn of the event loop
 * and at the looser durability, because only what is stored matters here; it is read with the store as it comes.
 */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Done, SharedbSnapshot } from '../../../server/sharedb.ts'
import { openSqliteStore } from '../../../server/store/sqlite.ts'
import type { Store } from '../../../server/store/store.ts'
import { text } from '../../../types/index.ts'
import { type Splice, spliceString, type TextOp, textOp } from '../../traces/splice.ts'
import { answer } from '../process.ts'
import { bytes, CREATED, type KeeperCalls, timed, whole } from './keeper.ts'
import { stampsOf } from './sittings.ts'

const key = { collection: 'bench', id: 'automerge-paper' }
const FILE = 'holdfast.db'
/** Commits in one turn, hence in one transaction. */
const TURN = 1000

let store: Store

answer<KeeperCalls>({
  async feed({ directories, edits, rungs: rungSizes }) {
    const [directory] = Object.values(directories)
    const path = join(directory!, FILE)
    store = openSqliteStore({ path, durability: 'normal', rungSizes })
    await commitAll(edits)
    await store.close()
    return sizesOf(path)
  },
  async open({ directory, rungs: rungSizes }) {
    const { ms: startMs } = await timed(() => {
      store = openSqliteStore({ path: join(directory, FILE), rungSizes })
    })
    return { startMs, ...(await timed(async () => content(await store.snapshot(key)))) }
  },
  version: edits => timed(async () => content(await store.at(key, CREATED + edits))),
  async delta({ from, to }) {
    const { ms, value } = await timed(() => store.delta(key, CREATED + from, CREATED + to))
    const [change = { op: [] }, ...others] = value
    if (!('op' in change) || others.length > 0) throw new Error('the delta is not one op')
    return { ms, value: change.op as TextOp }
  },
})

const content = ({ data }: { readonly data: unknown }) => whole(data as string)

async function commitAll(edits: readonly Splice[]): Promise<void> {
  const stamps = stampsOf(CREATED + edits.length)
  let data = ''
  let v = 0
  const commit = (change: object): Promise<boolean> => {
    const { src, seq, at } = stamps[v]!
    const op = { ...change, v, src, seq, m: { ts: at } }
    v++
    const snapshot: SharedbSnapshot = {
      id: key.id,
      v,
      type: text.uri,
      data,
      m: { ctime: stamps[0]!.at, mtime: at },
    }
    return new Promise((resolve, reject) => {
      const done: Done<boolean> = (error, committed) => (error ? reject(error) : resolve(committed!))
      store.db.commit(key.collection, key.id, op, snapshot, null, done)
    })
  }
  await commit({ create: { type: text.uri, data } })
  for (let first = 0; first < edits.length; first += TURN) {
    const commits = edits.slice(first, first + TURN).map(edit => {
      data = spliceString(data, edit)
      return commit({ op: textOp(edit) })
    })
    if ((await Promise.all(commits)).includes(false)) throw new Error(`a version up to ${v} was taken`)
    // People type slowly enough for the background to keep up. Fed in one go the file would grow to hold all ops unpacked.
    await store.tended()
  }
}

/** Of each table and index that takes more than a page or two, the largest first, and of what stands empty. */
function sizesOf(path: string): string[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const parts = database
    .prepare(
      `SELECT name, sum(pgsize) AS size FROM dbstat GROUP BY name HAVING size > 8192
       UNION ALL SELECT 'free pages', freelist_count * page_size FROM pragma_freelist_count, pragma_page_size
       ORDER BY size DESC`,
    )
    .all() as { name: string; size: number }[]
  database.close()
  return parts.map(({ name, size }) => `${name} ${bytes(size)}`)
}
