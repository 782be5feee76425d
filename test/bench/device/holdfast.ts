/** Holdfast in a page, through its public API: all that the bench knows of its client. */

import { connect, type Doc } from '../../../client/index.ts'
import { textOp } from '../../traces/splice.ts'
import { offer } from './page.ts'

offer({
  async open(server, { collection, id }) {
    const client = connect({ server, device: 'holdfast', worker: '/hub.js' })
    const doc = await client.open<string>(collection, id, 'text')
    return {
      text: () => doc.data,
      edit: splice => doc.edit(textOp(splice)),
      saved: () => doc.saved,
      async settled() {
        await doc.settled
        await synced(doc)
      },
      reconnect: () => client.reconnect(),
    }
  },
})

/** Before its first edit a document has nothing to settle, and may still be waiting for what the server has. */
function synced(doc: Doc<string>): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (doc.status !== 'synced' || !doc.truth.exists) return
      stop()
      resolve()
    }
    const stop = doc.on('truth', look)
    look()
  })
}
