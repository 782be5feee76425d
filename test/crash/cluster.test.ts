/** Three servers, Redis and Postgres, killed and cut off from each other under people's edits: `npm run crash` is the long form. */

import { describeWithRedis } from '../bus/redis.ts'
import { type BlowName, blows } from './blows.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { besiege } from './siege.ts'

describeWithRedis('A cluster', function () {
  this.timeout(180_000)
  let cluster: Cluster
  before(async () => {
    cluster = await startCluster()
  })
  after(() => cluster?.close())

  const { rolling, ...faults } = blows
  for (const [seed, [name, { what }]] of Object.entries(faults).entries())
    it(`[O20] keeps every edit once, and all agree: ${what}`, async () => {
      await besiege(cluster, name as BlowName, seed)
    })

  it(`[F17] keeps every edit once, holds none and tells nobody of an error: ${rolling.what}`, async () => {
    await besiege(cluster, 'rolling', Object.keys(faults).length)
  })
})
