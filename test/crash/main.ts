/**
 * `npm run crash -- [--rounds N] [--seed S] [--victim server|server-on-postgres|postgres]`
 *
 * Kills a server, or the Postgres under it, with SIGKILL at N random moments of a write load (default 50), checks every
 * acknowledged edit after each, and verifies the whole database at the end. Exit code 1 if anything did not hold.
 */

import { parseArgs } from 'node:util'
import { rage } from './storm.ts'
import { type VictimName, victims } from './victims.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    victim: { type: 'string', multiple: true, default: Object.keys(victims) },
  },
})
const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed))
  throw new Error('--rounds and --seed take whole numbers')
const unknown = values.victim.find(name => !Object.hasOwn(victims, name))
if (unknown !== undefined) throw new Error(`--victim takes ${Object.keys(victims).join(', ')}`)

for (const name of values.victim as VictimName[]) {
  const started = performance.now()
  const { victim, close } = await victims[name]()
  try {
    const damage = await rage(victim, { rounds, seed, docs: 4, writers: 3 })
    const sound = await victim.verify()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${name}: ${JSON.stringify(damage)}, ${sound}, ${seconds} s`)
  } catch (error) {
    console.log(`${name}, seed ${seed}: ${error instanceof Error ? error.stack : error}`)
    process.exitCode = 1
  } finally {
    await close()
  }
}
