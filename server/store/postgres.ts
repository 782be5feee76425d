/** The shared store: everything in one schema of a Postgres database, which any number of servers may write to. */

import { type StoreOptions, storeOn } from './enginestore.ts'
import type { PostgresOptions } from './postgres/connections.ts'
import { openPostgresEngine } from './postgres/engine.ts'
import type { Store } from './store.ts'

/**
 * Opens a store; its tables are made if they are not there and brought up to date if they are old. Rejects with
 * `SETTING_INVALID` for an address that is none, `STORE_NEWER` for the tables of a newer program, `STORE_FAILED` if it
 * cannot be opened.
 */
export async function openPostgresStore(options: PostgresOptions & StoreOptions): Promise<Store> {
  return storeOn(await openPostgresEngine(options), options)
}
