/** What every benchmark can be asked: `[--rounds N] [--quick] [--profile] [--case NAME] [--system NAME] [--json FILE]`. */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Row } from './table.ts'

interface Named {
  readonly name: string
}

export interface Options<Case, System> {
  readonly rounds: number
  /** One round, and no more than it takes to see that all works. */
  readonly quick: boolean
  /** Prints where the time goes. */
  readonly profile: boolean
  readonly cases: readonly Case[]
  readonly systems: readonly System[]
  /** A file for the rows. */
  readonly json?: string
}

/** What a benchmark has to choose from. `quick` says which cases `--quick` takes when none is named; default all. */
export interface Choice<Case, System> {
  readonly cases: readonly Case[]
  readonly systems: readonly System[]
  readonly quick?: (each: Case) => boolean
}

/** Throws what is wrong with the arguments, in words for who wrote them. */
export function readOptions<Case extends Named, System extends Named>(
  args: string[],
  { cases, systems, quick = () => true }: Choice<Case, System>,
): Options<Case, System> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      case: { type: 'string', multiple: true },
      system: { type: 'string', multiple: true },
    },
  })
  const rounds = Number(values.rounds)
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1')
  return {
    rounds: values.quick ? 1 : rounds,
    quick: values.quick,
    profile: values.profile,
    cases: values.quick && !values.case ? cases.filter(quick) : chosen(cases, values.case, '--case'),
    systems: chosen(systems, values.system, '--system'),
    json: values.json,
  }
}

/** Writes the rows where `--json` says, if it does. */
export function writeRows(file: string | undefined, rows: readonly Row[]): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify({ rows }, null, 2)}\n`)
}

function chosen<T extends Named>(
  all: readonly T[],
  names: readonly string[] | undefined,
  option: string,
): readonly T[] {
  const unknown = names?.find(name => !all.some(each => each.name === name))
  if (unknown !== undefined)
    throw new Error(`${option} ${unknown}: there are ${all.map(({ name }) => name).join(', ')}`)
  return names ? all.filter(({ name }) => names.includes(name)) : all
}
