/** Yjs in a page: y-indexeddb keeps its updates, Hocuspocus' provider sends them. */

import { HocuspocusProvider } from '@hocuspocus/provider'
import { IndexeddbPersistence } from 'y-indexeddb'
import * as Y from 'yjs'
import { spliceShared } from '../../traces/splice.ts'
import { idle } from './meter.ts'
import { offer } from './page.ts'

offer({
  async open(server, { id }) {
    const document = new Y.Doc()
    const persistence = new IndexeddbPersistence(id, document)
    await persistence.whenSynced
    const provider = new HocuspocusProvider({ url: server, name: id, document })
    const text = document.getText()
    if (text.length === 0) await settled(provider) // the device has nothing of it yet
    return {
      text: () => text.toString(),
      edit: splice => document.transact(() => spliceShared(text, splice)),
      saved: idle, // an update is put in a transaction at once, and nothing tells of its end
      settled: () => settled(provider),
      reconnect: () => void provider.connect(),
    }
  },
})

function settled(provider: HocuspocusProvider): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (!provider.synced || provider.hasUnsyncedChanges) return
      provider.off('synced', look)
      provider.off('unsyncedChanges', look)
      resolve()
    }
    provider.on('synced', look)
    provider.on('unsyncedChanges', look)
    look()
  })
}
