/** A database that a test has to itself, whatever engine it is of: opened as the program does, and meddled with behind its back. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readSettings, type Settings } from '../../server/settings.ts'
import type { Engine } from '../../server/store/engine.ts'
import { type StoreOptions, storeOn } from '../../server/store/enginestore.ts'
import { openEngine } from '../../server/store/open.ts'
import type { Store } from '../../server/store/store.ts'

export interface DatabasePlace {
  /** The settings that name it, for a process; its files may stand in `folder`. */
  readonly env: Readonly<Record<string, string>>
  readonly settings: Settings
  /** A directory of the test's own. */
  readonly folder: string
  engine(): Promise<Engine>
  store(options?: StoreOptions): Promise<Store>
  /** Statements that know nothing of the program; no foreign key holds them. */
  meddle(sql: string): Promise<void>
  /** The columns of each table that is there. */
  columns(): Promise<Record<string, string[]>>
  remove(): Promise<void>
}

/** Rungs and packs so small that short histories have some of each. */
export const small: StoreOptions = { rungSizes: [2, 8], packOps: 4 }

export async function sqlitePlace(): Promise<DatabasePlace> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-place-'))
  const data = join(folder, 'data')
  const env = { HOLDFAST_DATA: data, HOLDFAST_DURABILITY: 'normal' }
  const settings = readSettings(env)
  const raw = <T>(work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(join(data, 'holdfast.sqlite'), { enableForeignKeyConstraints: false })
    try {
      return work(db)
    } finally {
      db.close()
    }
  }
  return {
    env,
    settings,
    folder,
    engine: () => openEngine(settings),
    store: async (options = small) => storeOn(await openEngine(settings), options),
    meddle: async sql => raw(db => db.exec(sql)),
    columns: async () =>
      raw(db => {
        const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
        return Object.fromEntries(
          tables.map(({ name }) => [
            name,
            db
              .prepare(`SELECT name FROM pragma_table_info('${name}')`)
              .all()
              .map(column => `${column.name}`),
          ]),
        )
      }),
    remove: async () => rmSync(folder, { recursive: true }),
  }
}
