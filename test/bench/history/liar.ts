/** A keeper for the tests, named after the question that it answers wrong; what it leaves is two files of known size. */

import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Splice, textOp } from '../../traces/splice.ts'
import { answer } from '../process.ts'
import { type KeeperCalls, timed } from './keeper.ts'
import { textsAt } from './questions.ts'

let edits: Splice[]
let lie: string

const after = (count: number): string => textsAt(edits, [count]).get(count)!
const told = (question: string, text: string): string => (lie === question ? `${text}!` : text)

answer<KeeperCalls>({
  async feed({ directories, edits }) {
    for (const directory of Object.values(directories)) {
      writeFileSync(join(directory, 'edits.json'), JSON.stringify(edits))
      writeFileSync(join(directory, 'more'), 'x'.repeat(1000))
    }
    return []
  },
  async open({ directory }) {
    edits = JSON.parse(readFileSync(join(directory, 'edits.json'), 'utf8'))
    lie = basename(directory)
    return { startMs: 0, ...(await timed(() => told('document', after(edits.length)))) }
  },
  version: count => timed(() => told('version', after(count))),
  delta({ from, to }) {
    const [before, now] = [after(from), told('delta', after(to))]
    return timed(() => textOp({ at: 0, deleted: before.length, inserted: now }))
  },
})
