/** Two handles that open at once, as an element opens them, with the link up already. */

import assert from 'node:assert/strict'
import type { Client, Doc, Peer } from '../../client/api.ts'
import { connect } from '../../client/index.ts'
import { type RunningServer, startServer } from '../../server/server.ts'
import { readSettings } from '../../server/settings.ts'

describe('Presence of an element', () => {
  let server: RunningServer
  const clients: Client[] = []
  before(async () => {
    server = await startServer(readSettings({ HOLDFAST_PORT: '0', HOLDFAST_DATA: ':memory:' }))
  })
  after(async () => {
    await Promise.all(clients.map(client => client.close()))
    await server.close()
  })

  const online = async () => {
    const client = connect({ server: server.url })
    clients.push(client)
    await new Promise<void>(resolve => client.on('phase', phase => phase === 'online' && resolve()))
    return client
  }
  const openTwice = (client: Client) =>
    Promise.all([client.open('notes', 'twice', 'rich'), client.open('notes', 'twice', 'rich')])
  const nextPeer = (doc: Doc) =>
    new Promise<Peer>(resolve => doc.on('presence', peers => peers[0] && resolve(peers[0])))

  it('[B17] sees others and is seen, also when its two handles open at once', async () => {
    const [[ada], [bob]] = [await openTwice(await online()), await openTwice(await online())]
    const [seenByAda, seenByBob] = [nextPeer(ada), nextPeer(bob)]
    ada.announce({ name: 'Ada' })
    bob.announce({ name: 'Bob' })
    assert.deepEqual((await seenByAda).state, { name: 'Bob' })
    assert.deepEqual((await seenByBob).state, { name: 'Ada' })
  })
})
