/** ShareDB's own suites for databases and for milestones on our stores, with the types that they bring along. */

import { createRequire } from 'node:module'
import { type DB, type MilestoneDB, registerTypes, type SharedbType, sharedb } from '../../server/sharedb.ts'
import type { Store } from '../../server/store/store.ts'
import { describeOnEngines } from './engines.ts'

const require = createRequire(import.meta.url)

type Create<T> = (
  options: { interval?: number } | ((error: null, made: T) => void),
  callback?: (error: null, made: T) => void,
) => void
type Suite<T> = (options: { create: Create<T> }) => void

// One connection for reading: they expect questions to be answered in the order in which they were asked.
describeOnEngines("[S1] ShareDB's own suites", ({ open }) => {
  // Its set-up registers a hook each time that it is loaded: here, so that it holds for these suites only.
  delete require.cache[require.resolve('sharedb/test/setup.js')]
  require('sharedb/test/setup.js')
  const databases = require('sharedb/test/db.js') as Suite<DB>
  databases({
    create: callback => {
      open({ reads: 1 }).then(store => (callback as (error: null, db: DB) => void)(null, store.db))
    },
  })
  const milestones = require('sharedb/test/milestone-db.js') as Suite<MilestoneDB>
  const stores: Store[] = []
  milestones({
    create: (options, callback) => {
      const [done, interval] =
        typeof options === 'function' ? [options, undefined] : [callback!, options.interval]
      open({ milestoneInterval: interval }).then(store => {
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
