/** ShareDB's own suites for databases and for milestones on our stores, with the types that they bring along. */

import { createRequire } from 'node:module'
import { type DB, type MilestoneDB, registerTypes, type SharedbType, sharedb } from '../../server/sharedb.ts'
import type { StoreOptions } from '../../server/store/enginestore.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import type { Store } from '../../server/store/store.ts'

const require = createRequire(import.meta.url)

type Create<T> = (
  options: { interval?: number } | ((error: null, made: T) => void),
  callback?: (error: null, made: T) => void,
) => void
type Suite<T> = (options: { create: Create<T> }) => void

/** Runs both suites on stores that `open` makes, each empty. */
export function sharedbSuites(title: string, open: (options?: StoreOptions) => Store | Promise<Store>): void {
  describe(`[S1] ShareDB's own suites on ${title}`, () => {
    // Its set-up registers a hook: here, so that it holds for these suites only.
    require('sharedb/test/setup.js')
    const databases = require('sharedb/test/db.js') as Suite<DB>
    databases({
      create: callback => {
        Promise.resolve(open()).then(store => (callback as (error: null, db: DB) => void)(null, store.db))
      },
    })
    const milestones = require('sharedb/test/milestone-db.js') as Suite<MilestoneDB>
    const stores: Store[] = []
    milestones({
      create: (options, callback) => {
        const [done, interval] =
          typeof options === 'function' ? [options, undefined] : [callback!, options.interval]
        Promise.resolve(open({ milestoneInterval: interval })).then(store => {
          stores.push(store)
          done(null, store.milestones)
        })
      },
    })
    afterEach(() => Promise.all(stores.splice(0).map(store => store.close())))

    // Loading it has put the libraries' types in place of ours, for the whole process: only while the suite runs.
    registerTypes()
    before(() => {
      for (const name of ['rich-text', 'ot-json1'])
        sharedb.types.register((require(name) as { type: SharedbType }).type)
    })
    after(registerTypes)
  })
}

sharedbSuites('SQLite', options => openSqliteStore({ path: ':memory:', ...options }))
