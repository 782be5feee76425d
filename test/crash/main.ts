/**
 * `npm run crash -- [--rounds N] [--seed S] [--victim server|server-on-postgres|postgres|cluster]...`
 *
 * Kills a server, or the Postgres under it, with SIGKILL at N random moments of a write load (default 50), checks every
 * acknowledged edit after each, and verifies the whole database at the end. Of a cluster of three servers, Postgres and Redis
 * some or all are killed, cut off or restarted in order (blows.ts) while people type, one blow from each of the seeds S to
 * S + N - 1, and everything is checked after each. Exit code 1 if anything did not hold.
 */

import { parseArgs } from 'node:util'
import { blowNames } from './blows.ts'
import { startCluster } from './cluster.ts'
import { besiege } from './siege.ts'
import { rage } from './storm.ts'
import { type VictimName, victims } from './victims.ts'

const CLUSTER = 'cluster'
const names = [...Object.keys(victims), CLUSTER]
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    victim: { type: 'string', multiple: true, default: names },
  },
})
const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed) || seed < 0)
  throw new Error('--rounds and --seed take whole numbers')
const unknown = values.victim.find(name => !names.includes(name))
if (unknown !== undefined) throw new Error(`--victim takes ${names.join(', ')}`)

// Whatever is running is ended with us, and that is done on exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

for (const name of values.victim) await (name === CLUSTER ? crashCluster() : crash(name as VictimName))

async function crash(name: VictimName): Promise<void> {
  const { victim, close } = await victims[name]()
  try {
    await told(`${name}, seed ${seed}`, async () => {
      const damage = await rage(victim, { rounds, seed, docs: 4, writers: 3 })
      return `${JSON.stringify(damage)}, ${await victim.verify()}`
    })
  } finally {
    await close()
  }
}

async function crashCluster(): Promise<void> {
  const cluster = await startCluster()
  try {
    for (let each = seed; each < seed + rounds; each++) {
      const blow = blowNames[each % blowNames.length]!
      await told(`${CLUSTER}, seed ${each}, ${blow}`, async () =>
        JSON.stringify(await besiege(cluster, blow, each)),
      )
    }
  } finally {
    await cluster.close()
  }
}

/** One line for what was done, or for what did not hold. */
async function told(what: string, work: () => Promise<string>): Promise<void> {
  const started = performance.now()
  try {
    const done = await work()
    console.log(`${what}: ${done}, ${((performance.now() - started) / 1000).toFixed(1)} s`)
  } catch (error) {
    console.log(`${what}: ${error instanceof Error ? error.stack : error}`)
    process.exitCode = 1
  }
}
