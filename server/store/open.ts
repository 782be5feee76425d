/** The database that the settings name. */

import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HoldfastError } from '../../ops/errors.ts'
import { secretOf } from '../secrets.ts'
import type { Settings } from '../settings.ts'
import { copy, dump } from './backup.ts'
import type { Engine } from './engine.ts'
import { openSqliteEngine } from './sqlite/engine.ts'

export type Place = Pick<Settings, 'STORE' | 'DATA' | 'DURABILITY'> &
  Partial<Pick<Settings, 'STORE_PASSWORD_FILE'>>

const MEMORY = ':memory:'
const DATABASE = 'holdfast.sqlite'
const SQLITE = 'sqlite:'

/**
 * Opens it, and makes it if it is not there. Rejects with SETTING_INVALID for a directory that cannot be, STORE_NEWER,
 * STORE_FAILED.
 */
export async function openEngine(place: Place): Promise<Engine> {
  const path = fileOf(place)
  if (path === null) return openPostgres(place)
  if (path !== MEMORY) makeFolder(dirname(path), place)
  return openSqliteEngine({ path, durability: place.DURABILITY })
}

/** Opens one that outlives the process. */
export async function openLasting(place: Place): Promise<Engine> {
  if (fileOf(place) === MEMORY) throw missing(`${MEMORY} keeps nothing`)
  return openEngine(place)
}

/** Opens one that somebody made: rejects with STORE_MISSING when there is none. */
export async function openExisting(place: Place): Promise<Engine> {
  const path = fileOf(place)
  if (path === null) return openPostgres(place, true)
  checkThere(path)
  return openEngine(place)
}

/** Backs it up to a file that is not there yet, with its engine's own means; see backup.ts. */
export async function backUp(place: Place, file: string): Promise<void> {
  const path = fileOf(place)
  if (path !== null) {
    checkThere(path)
    return copy(path, file)
  }
  const engine = await openPostgres(place, true)
  try {
    await dump(engine, file)
  } finally {
    await engine.close()
  }
}

/** The file of a SQLite database, or `:memory:`; null for a Postgres. */
export function fileOf({ STORE, DATA }: Place): string | null {
  if (STORE.startsWith(SQLITE)) return STORE.slice(SQLITE.length)
  if (STORE !== '') return null
  return DATA === MEMORY ? MEMORY : join(DATA, DATABASE)
}

async function openPostgres(place: Place, existing = false): Promise<Engine> {
  // Whoever keeps to SQLite does without the driver.
  const { openPostgresEngine } = await import('./postgres/engine.ts')
  return openPostgresEngine({ url: addressOf(place), durability: place.DURABILITY, existing })
}

/** The address of a Postgres, with its password. */
export function addressOf(place: Place): string {
  const password = secretOf('STORE_PASSWORD', place)
  if (password === '') return place.STORE
  const url = new URL(place.STORE)
  url.password = encodeURIComponent(password)
  return url.href
}

function makeFolder(folder: string, { STORE, DATA }: Place): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    const setting = STORE === '' ? `HOLDFAST_DATA is ${JSON.stringify(DATA)}` : `HOLDFAST_STORE is ${STORE}`
    throw new HoldfastError('SETTING_INVALID', `${setting}: ${(error as Error).message}`)
  }
}

function checkThere(path: string): void {
  if (path === MEMORY) throw missing(`${MEMORY} keeps nothing`)
  if (!existsSync(path)) throw missing(`there is no ${path}`)
}

const missing = (why: string): HoldfastError =>
  new HoldfastError('STORE_MISSING', `There is no database: ${why}; see HOLDFAST_STORE and HOLDFAST_DATA.`)
