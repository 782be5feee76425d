/** The systems that `server` holds side by side. Each server is a process of its own and starts with no document. */

import { installPackages } from '../peers/packages.ts'
import type { RelayServerCalls } from '../peers/relay-server.ts'
import { Peer } from '../process.ts'
import { newFolder } from '../store/places.ts'
import { type StoreServer, startHocuspocus, storeSystems } from '../store/systems.ts'

/** `edits`: what the server has, in its store or in memory. */
export type Server = StoreServer

export interface ServerSystem {
  readonly name: string
  /** What its clients speak, see peers/crowd/speech.ts. */
  readonly protocol: string
  /** `node`: arguments for Node. */
  start(node: readonly string[]): Promise<Server>
}

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
    start: startRelay,
  },
]

/** A system of the store's benchmark that keeps things in a folder, if anywhere. */
async function stored(name: string, node: readonly string[]): Promise<Server> {
  const place = await newFolder()
  const server = await storeSystems.find(system => system.name === name)!.start({ place, node, writers: 1 })
  return {
    ...server,
    async stop() {
      await server.stop()
      await place.remove()
    },
  }
}

async function startRelay(node: readonly string[]): Promise<Server> {
  const process = new Peer<RelayServerCalls>(peer('relay-server'), node)
  return {
    url: await process.ask('listen', undefined),
    child: process.child,
    create: async () => {},
    edits: id => process.ask('relayed', id),
    stop: () => process.stop(),
  }
}

function peer(name: string): URL {
  return new URL(`../peers/${name}.ts`, import.meta.url)
}
