/** The systems that `server` holds side by side. Each server is a process of its own and starts with no document. */

import { installPackages } from '../peers/packages.ts'
import type { RelayServerCalls } from '../peers/relay-server.ts'
import { Peer } from '../process.ts'
import { newFolder, type Place } from '../store/places.ts'
import { type StoreServer, startHocuspocus, storeSystems } from '../store/systems.ts'

/** `edits`: what the server has, in its store or in memory. */
export type Server = StoreServer

export interface ServerSystem {
  readonly name: string
  /** What its clients speak, see peers/crowd/speech.ts. */
  readonly protocol: string
  /** Whether it stands beside the others where one writes alone only. */
  readonly alone?: boolean
  /** `node`: arguments for Node. */
  start(node: readonly string[]): Promise<Server>
}

/** Those that are measured in a case. */
export const systemsFor = (writers: number, systems: readonly ServerSystem[]): readonly ServerSystem[] =>
  systems.filter(({ alone }) => !alone || writers === 1)

export const serverSystems: readonly ServerSystem[] = [
  {
    name: 'holdfast',
    protocol: 'sharedb',
    start: node => stored('holdfast-sqlite', node),
  },
  {
    name: 'sharedb',
    protocol: 'sharedb',
    start: node => stored('sharedb-memory', node),
  },
  {
    name: 'hocuspocus',
    protocol: 'hocuspocus',
    async start(node) {
      await installPackages()
      // It keeps nothing: so it has nothing to wait for, and no more to do when it has waited.
      return startHocuspocus(node, null, 2000)
    },
  },
  {
    name: 'ws',
    protocol: 'relay',
    start: node => startRelay(node, null),
  },
  {
    // What the disk alone takes of whoever answers when an edit is on it.
    name: 'ws+sync',
    protocol: 'relay',
    alone: true,
    start: startSyncedRelay,
  },
]

/** A system of the store's benchmark that keeps things in a folder, if anywhere. */
async function stored(name: string, node: readonly string[]): Promise<Server> {
  const place = await newFolder()
  return keptIn(
    place,
    await storeSystems.find(system => system.name === name)!.start({ place, node, writers: 1 }),
  )
}

async function startRelay(node: readonly string[], folder: string | null): Promise<Server> {
  const process = new Peer<RelayServerCalls>(peer('relay-server'), node)
  return {
    url: await process.ask('listen', folder),
    child: process.child,
    create: async () => {},
    edits: id => process.ask('relayed', id),
    stop: () => process.stop(),
  }
}

async function startSyncedRelay(node: readonly string[]): Promise<Server> {
  const place = await newFolder()
  return keptIn(place, await startRelay(node, place.at))
}

/** A server that takes its place along when it stops. */
const keptIn = (place: Place, server: Server): Server => ({
  ...server,
  async stop() {
    await server.stop()
    await place.remove()
  },
})

function peer(name: string): URL {
  return new URL(`../peers/${name}.ts`, import.meta.url)
}
