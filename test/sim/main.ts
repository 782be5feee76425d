/**
 * `npm run sim -- [--seeds N] [--from S] [--seed S] [--type text|rich|json] [--bug NAME]`
 *
 * Runs N seeds from S (default 1) and checks each; a failure prints the seed and the command that replays it, and the
 * exit code is 1. `--seed S` runs that one alone.
 */

import { parseArgs } from 'node:util'
import { isTypeName } from '../../types/index.ts'
import { type BugName, bugs } from './bugs.ts'
import type { Outcome } from './checker.ts'
import { simulate, typeOfSeed } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    type: { type: 'string' },
    bug: { type: 'string' },
  },
})

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count) || count < 1)
  throw new Error('--seeds, --from and --seed take whole numbers')
if (values.type !== undefined && !isTypeName(values.type)) throw new Error('--type takes text, rich or json')
if (values.bug !== undefined && !Object.hasOwn(bugs, values.bug))
  throw new Error(`--bug takes ${Object.keys(bugs).join(', ')}`)

const bug = values.bug === undefined ? null : bugs[values.bug as BugName]
const started = performance.now()
const total: Record<string, number> = {}
let failures = 0

for (let seed = from; seed < from + count; seed++) {
  const type = isTypeName(values.type) ? values.type : typeOfSeed(seed)
  try {
    add(await simulate({ seed, type, bug }))
  } catch (error) {
    failures++
    console.log(
      `seed ${seed} (${type}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
    console.log(
      `  replay: npm run sim -- --seed ${seed} --type ${type}${values.bug ? ` --bug ${values.bug}` : ''}`,
    )
  }
}

function add({ tokens, held, versions, counts, traffic }: Outcome): void {
  for (const [name, value] of Object.entries({ tokens, held, versions, ...counts, ...traffic }))
    total[name] = (total[name] ?? 0) + value
}

const seconds = ((performance.now() - started) / 1000).toFixed(1)
console.log(`${count} seeds in ${seconds} s, ${failures} failed`)
console.log(
  Object.entries(total)
    .map(([name, value]) => `${name} ${value}`)
    .join(', '),
)
process.exitCode = failures > 0 ? 1 : 0
