/**
 * A process that writes to the database of its settings, packs and trims, until it is killed:  node busy.ts
 *
 * After each round a line goes to standard output.
 */

import { writeSync } from 'node:fs'
import { readSettings } from '../../server/settings.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { openEngine } from '../../server/store/open.ts'
import { Random } from '../random.ts'
import { timeOf, writeHistory } from './histories.ts'
import { small } from './place.ts'

const store = storeOn(await openEngine(readSettings(process.env)), small)
const rng = new Random(process.pid)
for (let round = 1; ; round++) {
  await writeHistory(store, `busy ${round % 3}`, rng, 20, 5, round)
  if (round % 7 === 0) await store.trim(timeOf(rng.int(30)))
  writeSync(1, `${round}\n`)
}
