/** What befalls the files of a profile while its browser is down. */

import { globSync } from 'node:fs'
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../random.ts'

/** `cut`: the largest file loses its end; `corrupt`: 64 bytes in its middle are others; `remove`: all are gone. */
export type Harm = 'cut' | 'corrupt' | 'remove'

/** Where the databases of the only site in a profile are: Chromium's LevelDB, or Firefox's SQLite. */
const DATABASES = [
  'Default/IndexedDB/http_127.0.0.1_*.leveldb/*.{log,ldb}',
  'storage/default/http+++127.0.0.1*/idb/*.sqlite',
]

/** Damages the IndexedDB in `profile`, whose browser is down. */
export async function damage(profile: string, how: Harm, random: Random): Promise<void> {
  const files = globSync(DATABASES.map(path => join(profile, path)))
  const sizes = await Promise.all(files.map(async file => (await stat(file)).size))
  const size = Math.max(...sizes)
  if (!(size > 0)) throw new Error(`there is no database in ${profile}`)
  const file = files[sizes.indexOf(size)]!
  const at = Math.floor(size * (0.3 + random.next() * 0.5))
  if (how === 'cut') await truncate(file, at)
  else if (how === 'corrupt') await overwrite(file, at)
  else await rm(dirname(file), { recursive: true })
}

async function overwrite(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes.fill(0xa5, at, at + 64)
  await writeFile(file, bytes)
}
