/** Moving and verifying databases of every engine. */

import assert from 'node:assert/strict'
import { storeOn } from '../../server/store/enginestore.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { Random } from '../random.ts'
import { engines } from './engines.ts'
import { exportingContract } from './exporting.ts'
import { writeHistory } from './histories.ts'
import { importingContract } from './importing.ts'
import { movingContract } from './moving.ts'
import { small } from './place.ts'
import { verifyingContract } from './verifying.ts'

describe('a SQLite database in memory', () => {
  it('[S40] [S46] has a view, too, which can be verified', async () => {
    const engine = openSqliteEngine({ path: ':memory:' })
    const store = storeOn(engine, small)
    await writeHistory(store, 'one', new Random(1), 30, 20)
    const view = await engine.view()
    await writeHistory(store, 'two', new Random(2), 30, 20)
    const docs = []
    for await (const rows of view.rows('docs')) docs.push(...rows.map(({ id }) => id))
    assert.deepEqual(docs, ['"one"'])
    await view.close()
    await store.tended()
    const finding = await verifyStore(engine)
    assert.ok(finding.kind === 'sound' && finding.documents === 2 && finding.rungs > 5)
    await store.close()
  })
})

for (const engine of engines) {
  movingContract(engine)
  verifyingContract(engine.title, engine.place)
  exportingContract(engine)
  importingContract(engine.title, engine.place)
}
