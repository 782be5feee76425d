/**
 * A process that restores a backup into the database of its settings, as far as before the row numbered COUNT:
 * node restoring.ts FILE COUNT
 *
 * There it prints a line and waits to be killed. A COUNT beyond the rows stops it behind the last one, before the end of the
 * transaction; without a COUNT it goes on to its end.
 */

import { writeSync } from 'node:fs'
import { readSettings } from '../../server/settings.ts'
import { restore } from '../../server/store/backup.ts'
import type { Engine, View } from '../../server/store/engine.ts'
import { type Table, tables } from '../../server/store/layout.ts'
import { openEngine } from '../../server/store/open.ts'

const [file, stop] = process.argv.slice(2) as [string, string | undefined]

/** The view, in batches of one row. */
function stopping(view: View): View {
  let count = 0
  async function* rows(table: Table): AsyncGenerator<unknown[]> {
    for await (const batch of view.rows(table)) {
      for (const row of batch) {
        if (++count === Number(stop)) await killed()
        yield [row]
      }
    }
    if (stop !== undefined && table === tables.at(-1)) await killed()
  }
  return { rows, close: () => view.close() } as View
}

async function killed(): Promise<never> {
  writeSync(1, 'here\n')
  return new Promise(() => process.stdin.resume())
}

const engine = await openEngine(readSettings(process.env))
const fill = engine.fill.bind(engine)
engine.fill = ((from, epoch) => fill(stopping(from), epoch)) as Engine['fill']
await restore(file, engine)
await engine.close()
