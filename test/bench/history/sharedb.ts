/**
 * ShareDB on its memory database and its memory milestones, one every 1,000 versions: the default of its milestone
 * adapter (sharedb-milestone-mongo; ShareDB itself saves none unless it is told an interval).
 *
 *   sharedb            with ot-text-unicode
 *   sharedb-ot-text    with ot-text, whose `apply` does not count code points
 *
 * What stands on disk is what a database would be handed, as JSON, a line each: every op, the milestones, the document.
 * A real database adds its own to that. Whoever opens reads it all into memory first, which is not counted.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeAll } from '../../../ops/compose.ts'
import type { Type } from '../../../types/type.ts'
import type { TextOp } from '../../traces/splice.ts'
import { type StockType, stockTypes } from '../peers/stock.ts'
import { answer } from '../process.ts'
import { bytes, CREATED, type KeeperCalls, timed, whole } from './keeper.ts'
import { type Log, LogServer, logOf } from './sharedb-log.ts'

const INTERVAL = 1000

let server: LogServer
let type: StockType

answer<KeeperCalls>({
  async feed({ directories, edits }) {
    let notes: string[] = []
    for (const [system, directory] of Object.entries(directories)) {
      const { uri } = stockTypes[system === 'sharedb-ot-text' ? 'ot-text' : 'text-unicode']!
      notes = save(directory, logOf(edits, uri, INTERVAL))
    }
    return notes
  },
  async open({ directory }) {
    const { ms: startMs, value: log } = await timed(() => read(directory))
    server = new LogServer(INTERVAL, log)
    type = Object.values(stockTypes).find(({ uri }) => uri === log.document.type)!
    return { startMs, ...(await timed(async () => whole((await server.document()).data))) }
  },
  version: edits => timed(async () => whole((await server.version(CREATED + edits)).data)),
  delta: ({ from, to }) =>
    timed(async () => {
      const ops = await server.ops(CREATED + from, CREATED + to)
      // As a tree of pairs: one after another, which is what an app would write first, is quadratic.
      return composeAll(
        type as unknown as Type,
        ops.map(({ op }) => op),
      ) as TextOp
    }),
})

/** The parts of a log, a file each. */
const parts = ['ops', 'milestones', 'document'] as const

function save(directory: string, log: Log): string[] {
  return parts.map(part => {
    const lines = [log[part]].flat().map(line => `${JSON.stringify(line)}\n`)
    const text = lines.join('')
    writeFileSync(join(directory, `${part}.jsonl`), text)
    return `${lines.length.toLocaleString('en')} ${part}, ${bytes(Buffer.byteLength(text))}`
  })
}

function read(directory: string): Log {
  const lines = (part: string): unknown[] =>
    readFileSync(join(directory, `${part}.jsonl`), 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  return { ops: lines('ops'), milestones: lines('milestones'), document: lines('document')[0] } as Log
}
