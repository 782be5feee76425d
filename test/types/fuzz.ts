/**
 * `npm run fuzz -- [--pairs 20000] [--type text|json|rich] [--seed 1]`: the laws of the types over random cases. The cases
 * have the seeds `seed`, `seed + 1`, ...; a failure prints its own, and `--pairs 1 --seed THAT` replays it.
 */

import { parseArgs } from 'node:util'
import { isTypeName, type Type, type TypeName, typeNames, typeOf } from '../../types/index.ts'
import { type Case, caseOf, laws } from './laws.ts'

interface Failure {
  readonly law: string
  readonly seed: number
  readonly error: unknown
}

/** Runs all laws over `pairs` cases; `failures` in the order of the seeds. */
export function fuzz(type: Type, pairs: number, seed: number): Failure[] {
  const failures: Failure[] = []
  for (let i = 0; i < pairs; i++) {
    try {
      const drawn = caseOf(type, seed + i)
      for (const [law, check] of Object.entries(laws))
        failures.push(...tryLaw(law, () => check(type, drawn), seed + i))
    } catch (error) {
      failures.push({ law: 'drawing the case', seed: seed + i, error })
    }
  }
  return failures
}

function tryLaw(law: string, check: () => void, seed: number): Failure[] {
  try {
    check()
    return []
  } catch (error) {
    return [{ law, seed, error }]
  }
}

/** What it takes to see a failure: the seed and what was drawn from it. */
export function describeFailure(type: Type, { law, seed, error }: Failure): string {
  let drawn: Case | string
  try {
    drawn = caseOf(type, seed)
  } catch {
    drawn = 'could not be drawn'
  }
  const reason = error instanceof Error ? error.message : String(error)
  return `${type.name} ${law}: ${reason}\n  --type ${type.name} --pairs 1 --seed ${seed}\n  ${JSON.stringify(drawn)}`
}

function main(): void {
  const { values } = parseArgs({
    options: {
      pairs: { type: 'string', default: '20000' },
      type: { type: 'string' },
      seed: { type: 'string', default: '1' },
    },
  })
  const [pairs, seed] = [Number(values.pairs), Number(values.seed)]
  if (!Number.isSafeInteger(pairs) || pairs < 1) throw new Error('--pairs is a whole number above 0')
  if (!Number.isSafeInteger(seed)) throw new Error('--seed is a whole number')
  if (values.type !== undefined && !isTypeName(values.type)) throw new Error('--type is text, json or rich')
  const names: readonly TypeName[] = values.type === undefined ? typeNames : [values.type as TypeName]
  for (const name of names) report(typeOf(name), pairs, seed)
}

function report(type: Type, pairs: number, seed: number): void {
  const start = performance.now()
  const failures = fuzz(type, pairs, seed)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const count = Object.keys(laws).length
  console.log(`${type.name}: ${pairs} cases, ${count} laws each, ${failures.length} failures, ${seconds} s`)
  for (const failure of failures.slice(0, 5)) console.log(describeFailure(type, failure))
  if (failures.length > 0) process.exitCode = 1
}

if (import.meta.main) {
  try {
    main()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 2
  }
}
