/** ShareDB in a page with a store on the device: the client of the fork @sharesync/sharedb and its DurableStore. */

import { Connection, type Doc, types } from '@sharesync/sharedb/lib/client'
import { IndexedDbStorage } from '@sharesync/sharedb/lib/client/storage'
import { type as textUnicode } from 'ot-text-unicode'
import { textOp } from '../../traces/splice.ts'
import type { Address } from './adapter.ts'
import { turn } from './gaps.ts'
import { offer } from './page.ts'

types.register(textUnicode)

offer({
  async open(server, address) {
    const connection = await connect(server)
    const doc = await restored(connection, address)
    if (doc.type === null) await called(done => doc.subscribe(done))
    else doc.subscribe()
    const store = connection.durableStore
    return {
      text: () => doc.data as string,
      edit: splice => doc.submitOp(textOp(splice)),
      async saved() {
        while (doc._needsToPersist) await turn() // an edit is handed to the store in a later turn
        if (store.busy || store.hasDocsInWriteQueue())
          await called(done => store.once('no persist pending', done))
      },
      async settled() {
        await called(done => doc.whenNothingPending(done))
        await called(done => doc.subscribe(done))
      },
      reconnect: () => connection.bindToSocket(new WebSocket(server)),
    }
  },
})

/** Resolves when its store is open. */
function connect(server: string): Promise<Connection> {
  const storage = new IndexedDbStorage({ namespace: 'bench' })
  return new Promise(resolve => {
    const connection: Connection = new Connection(new WebSocket(server), {
      durableStore: { storage, onReadyCallback: () => resolve(connection) },
    })
  })
}

/**
 * The document as the store has it, if it has. One with edits that were not sent is restored by the connection itself;
 * who asks for it earlier gets another object, which is put aside then, so it has to be waited for.
 */
async function restored(connection: Connection, { collection, id }: Address): Promise<Doc> {
  if (connection.hasPendingOfflineDocs()) {
    while (!connection.collections[collection]?.[id]?.type) await turn()
    return connection.get(collection, id)
  }
  const doc = connection.get(collection, id)
  if (connection.isDocInInventory(collection, id)) await called(done => doc.ensureDocHasData(done))
  return doc
}

function called(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start(error => (error ? reject(error) : resolve())))
}
