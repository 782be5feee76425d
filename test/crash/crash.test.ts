/** A server that is killed while it is written to, for real: `npm run crash -- --rounds 50` is the long form. */

import assert from 'node:assert/strict'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { assertDerived, keyOf } from '../store/writer.ts'
import { rage } from './storm.ts'
import { serverVictim } from './victims.ts'
import { COLLECTION } from './writer.ts'

describe('a server that is killed', () => {
  it('[S2] has every acknowledged edit once, whenever it was killed, and is sound', async () => {
    const { victim, dir, close } = await serverVictim()
    try {
      const damage = await rage(victim, { rounds: 5, seed: 1, docs: 3, writers: 2 })
      assert.ok(damage.acked > 100)
      await victim.stop()
      const store = openSqliteStore({ path: `${dir}/holdfast.sqlite` })
      for (const id of ['doc0', 'doc1', 'doc2']) await assertDerived(store, keyOf(id, COLLECTION))
      await store.close()
    } finally {
      await close()
    }
  }).timeout(60_000)
})
