/** The embedded store: everything in one SQLite file. Who opens it owns it and closes it. */

import { type StoreOptions, storeOn } from './enginestore.ts'
import { openSqliteEngine } from './sqlite/engine.ts'
import type { DatabaseOptions } from './sqlite/schema.ts'
import type { Store } from './store.ts'

export interface SqliteOptions extends DatabaseOptions, StoreOptions {}

/**
 * Opens a store, made if it is not there and brought up to date if it is old.
 * Throws `STORE_NEWER` for the database of a newer program, `STORE_FAILED` if it cannot be opened.
 */
export const openSqliteStore = (options: SqliteOptions): Store => storeOn(openSqliteEngine(options), options)
