/** ShareDB's own suite for databases (sharedb/test/db.js) on our store, with the types that it brings along. */

import { createRequire } from 'node:module'
import { type DB, registerTypes, type SharedbType, sharedb } from '../../server/sharedb.ts'
import { openSqliteStore } from '../../server/store/sqlite.ts'

const require = createRequire(import.meta.url)

describe("[S1] ShareDB's own database suite on SQLite", () => {
  // Its set-up registers a hook: here, so that it holds for this suite only.
  require('sharedb/test/setup.js')
  const suite = require('sharedb/test/db.js') as (options: {
    create: (callback: (error: null, db: DB) => void) => void
  }) => void
  suite({ create: callback => callback(null, openSqliteStore({ path: ':memory:' }).db) })

  // Loading it has put the libraries' types in place of ours, for the whole process: only while the suite runs.
  registerTypes()
  before(() => {
    for (const name of ['rich-text', 'ot-json1'])
      sharedb.types.register((require(name) as { type: SharedbType }).type)
  })
  after(registerTypes)
})
