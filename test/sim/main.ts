/**
 * `npm run sim -- [--seeds N] [--from S] [--seed S] [--type text|rich|json] [--workers W] [--bug NAME] [--bugs] [--people]`
 *
 * Runs N seeds from S (default 1) and checks each; a failure prints the seed, what its world was made of and the command
 * that replays it, and the exit code is 1. `--seed S` runs that one alone. `--bugs` plants each bug in turn (or that of `--bug`) and shows the
 * first seed that finds it; one that none of N seeds (default 2000) finds is a failure. `--people`: people also try held edits again or
 * discard them, link documents to each other, and carry rescue files from device to device.
 */

import { parseArgs } from 'node:util'
import { isTypeName } from '../../types/index.ts'
import { Random } from '../random.ts'
import { type Batch, runBatch } from './batch.ts'
import { type BugName, bugs } from './bugs.ts'
import { tooRare } from './floors.ts'
import { planOf } from './plan.ts'
import { typeOfSeed } from './world.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    type: { type: 'string' },
    workers: { type: 'string', default: '1' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    people: { type: 'boolean', default: false },
  },
})

const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds ?? (values.bugs ? 2000 : 100)) : 1
const workers = values.seed === undefined ? Number(values.workers) : 1
if (![from, count, workers].every(Number.isSafeInteger) || count < 1 || workers < 1)
  throw new Error('--seeds, --from, --seed and --workers take whole numbers')
if (values.type !== undefined && !isTypeName(values.type)) throw new Error('--type takes text, rich or json')
if (values.bug !== undefined && !Object.hasOwn(bugs, values.bug))
  throw new Error(`--bug takes ${Object.keys(bugs).join(', ')}`)
const type = isTypeName(values.type) ? values.type : undefined

if (values.bugs) await plantAll()
else await run({ from, count, type, bug: values.bug as BugName | undefined, people: values.people })

async function run(batch: Batch): Promise<void> {
  const started = performance.now()
  const total: Record<string, number> = {}
  let failures = 0
  await runBatch(batch, workers, ({ seed, ...result }) => {
    if (result.fault === undefined) {
      for (const [name, value] of Object.entries(result.counts)) total[name] = (total[name] ?? 0) + value
      return
    }
    failures++
    const type = batch.type ?? typeOfSeed(seed)
    console.log(`seed ${seed} (${type}): ${result.fault}`)
    console.log(`  world: ${JSON.stringify(planOf(new Random(seed).fork(), batch.people))}`)
    console.log(
      `  replay: npm run sim -- --seed ${seed} --type ${type}${batch.bug ? ` --bug ${batch.bug}` : ''}${batch.people ? ' --people' : ''}`,
    )
  })
  const ms = performance.now() - started
  console.log(
    `${count} seeds in ${(ms / 1000).toFixed(1)} s (${(ms / count).toFixed(0)} ms each), ${failures} failed`,
  )
  console.log(
    Object.entries(total)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  )
  if (failures > 0) process.exitCode = 1
  if (batch.bug || values.seed !== undefined) return
  for (const fault of tooRare(total, count, batch.people)) {
    console.log(fault)
    process.exitCode = 1
  }
}

async function plantAll(): Promise<void> {
  const names = values.bug ? [values.bug] : Object.keys(bugs)
  for (const bug of names as BugName[]) {
    const found: { seed: number; fault: string }[] = []
    await runBatch({ from, count, type, bug, untilFound: true }, workers, ({ seed, ...result }) => {
      if (result.fault !== undefined) found.push({ seed, fault: result.fault })
    })
    const [first] = found.sort((a, b) => a.seed - b.seed)
    console.log(
      first
        ? `${bug}: seed ${first.seed}, ${first.fault.split('\n')[0]!.slice(0, 100)}`
        : `${bug}: not found`,
    )
    if (!first) process.exitCode = 1
  }
}
