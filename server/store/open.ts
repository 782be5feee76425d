/** The database that the settings name. */

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { HoldfastError } from '../../ops/errors.ts'
import type { Settings } from '../settings.ts'
import { copy } from './backup.ts'
import type { Engine } from './engine.ts'
import { openSqliteEngine } from './sqlite/engine.ts'

type Place = Pick<Settings, 'DATA' | 'DURABILITY'>

const MEMORY = ':memory:'
const DATABASE = 'holdfast.sqlite'

/**
 * Opens it, and makes it if it is not there. Rejects with SETTING_INVALID for a directory that cannot be, STORE_NEWER,
 * STORE_FAILED.
 */
export async function openEngine({ DATA, DURABILITY }: Place): Promise<Engine> {
  if (DATA === MEMORY) return openSqliteEngine({ path: DATA, durability: DURABILITY })
  try {
    mkdirSync(DATA, { recursive: true })
  } catch (error) {
    throw new HoldfastError(
      'SETTING_INVALID',
      `HOLDFAST_DATA is ${JSON.stringify(DATA)}: ${(error as Error).message}`,
    )
  }
  return openSqliteEngine({ path: join(DATA, DATABASE), durability: DURABILITY })
}

/** Opens one that outlives the process. */
export async function openLasting(place: Place): Promise<Engine> {
  if (place.DATA === MEMORY) throw missing(`${MEMORY} keeps nothing`)
  return openEngine(place)
}

/** Opens one that somebody made: rejects with STORE_MISSING when there is none. */
export async function openExisting(place: Place): Promise<Engine> {
  fileOf(place)
  return openEngine(place)
}

/** Backs it up to a file that is not there yet, with its engine's own means; see backup.ts. */
export async function backUp(place: Place, file: string): Promise<void> {
  await copy(fileOf(place), file)
}

function fileOf({ DATA }: Place): string {
  const path = join(DATA, DATABASE)
  if (DATA === MEMORY) throw missing(`${MEMORY} keeps nothing`)
  if (!existsSync(path)) throw missing(`there is no ${path}`)
  return path
}

const missing = (why: string): HoldfastError =>
  new HoldfastError('STORE_MISSING', `There is no database: ${why}; see HOLDFAST_DATA.`)
