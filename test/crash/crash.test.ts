/** A server, or its Postgres, that is killed while it is written to, for real: `npm run crash` is the long form. */

import assert from 'node:assert/strict'
import { rage } from './storm.ts'
import { type VictimName, victims } from './victims.ts'

describe('a server that is killed', () => {
  for (const name of Object.keys(victims) as VictimName[]) {
    it(`[S2] has every acknowledged edit once and is sound, whenever the ${name} was killed`, async () => {
      const { victim, close } = await victims[name]()
      try {
        const damage = await rage(victim, { rounds: 4, seed: 1, docs: 3, writers: 2 })
        assert.ok(damage.acked > 50)
        assert.match(await victim.verify(), /^sound: 3 documents/)
      } finally {
        await close()
      }
    }).timeout(120_000)
  }
})
