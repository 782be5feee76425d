/** What befalls the files of a profile while its browser is down. */

import { globSync } from 'node:fs'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '../random.ts'

/** Damages the largest file of the IndexedDB of the only site in `profile`: its LevelDB keeps data in *.log and *.ldb. */
export async function damage(profile: string, how: 'cut' | 'corrupt', random: Random): Promise<void> {
  const files = globSync(join(profile, 'Default/IndexedDB/*.leveldb/*.{log,ldb}'))
  const sizes = await Promise.all(files.map(async file => (await stat(file)).size))
  const size = Math.max(...sizes)
  if (!(size > 0)) throw new Error(`there is no database in ${profile}`)
  const file = files[sizes.indexOf(size)]!
  const at = Math.floor(size * (0.3 + random.next() * 0.5))
  if (how === 'cut') await truncate(file, at)
  else await overwrite(file, at)
}

async function overwrite(file: string, at: number): Promise<void> {
  const bytes = await readFile(file)
  bytes.fill(0xa5, at, at + 64)
  await writeFile(file, bytes)
}
