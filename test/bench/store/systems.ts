/**
 * The systems whose durable commits `store` counts: for each, how its server is started on an empty store, how a
 * document gets there, and what the store has of it at the end.
 */

import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { text as textType } from '../../../types/index.ts'
import { feedCreate } from '../feed.ts'
import { HoldfastServer } from '../holdfast-server.ts'
import type { Database, HocuspocusServerCalls } from '../peers/hocuspocus-server.ts'
import { installPackages } from '../peers/packages.ts'
import type { SharedbServerCalls } from '../peers/sharedb-server.ts'
import { Peer } from '../process.ts'
import { COLLECTION } from './edits.ts'
import { newFolder, type Place } from './places.ts'

export interface StoreServer {
  /** What a writer connects to. */
  readonly url: string
  readonly child: ChildProcess
  create(id: string, text: string): Promise<void>
  /** How many edits of the document the store has. */
  edits(id: string): Promise<number>
  stop(): Promise<void>
}

/** What a server is started with. */
export interface Surroundings {
  /** An empty store: a folder, or a database where the system keeps its documents in Postgres. */
  readonly place: Place
  /** Arguments for Node. */
  readonly node: readonly string[]
  /** The writers of a document. */
  readonly writers: number
}

export interface StoreSystem {
  readonly name: string
  readonly keepsIn: 'folder' | 'postgres'
  /** The process of the writers. */
  readonly client: URL
  /** Installs what the server needs, if that is not done yet. */
  readonly provide?: () => Promise<void>
  /** Needs what `provide` provides. */
  start(surroundings: Surroundings): Promise<StoreServer>
}

const peer = (name: string) => new URL(`../peers/${name}.ts`, import.meta.url)
const sharedbWriters = peer('sharedb-writers')
const hocuspocusWriters = peer('hocuspocus-writers')

export const storeSystems: readonly StoreSystem[] = [
  {
    name: 'holdfast-sqlite',
    keepsIn: 'folder',
    client: sharedbWriters,
    start: ({ place, node }) => startHoldfast(node, place),
  },
  {
    name: 'holdfast-postgres',
    keepsIn: 'postgres',
    client: sharedbWriters,
    start: async ({ place, node }) => startHoldfast(node, await newFolder(), place.at),
  },
  {
    name: 'sharedb-postgres',
    keepsIn: 'postgres',
    client: sharedbWriters,
    provide: installPackages,
    start: ({ place, node }) => startSharedb(node, place.at),
  },
  {
    name: 'sharedb-memory',
    keepsIn: 'folder',
    client: sharedbWriters,
    start: ({ node }) => startSharedb(node, null),
  },
  {
    name: 'hocuspocus-sqlite',
    keepsIn: 'folder',
    client: hocuspocusWriters,
    provide: installPackages,
    start: surroundings =>
      startHocuspocus(
        surroundings.node,
        { sqlite: join(surroundings.place.at, 'hocuspocus.sqlite') },
        debounceOf(surroundings),
      ),
  },
  {
    name: 'hocuspocus-postgres',
    keepsIn: 'postgres',
    client: hocuspocusWriters,
    provide: installPackages,
    start: surroundings =>
      startHocuspocus(surroundings.node, { postgres: surroundings.place.at }, debounceOf(surroundings)),
  },
]

/** The version of a document that was created and not edited. */
const CREATED = 1

/** At its default durability, `full`; on SQLite in `folder`, or where `store` says. */
async function startHoldfast(node: readonly string[], folder: Place, store?: string): Promise<StoreServer> {
  const server = await HoldfastServer.start({ data: folder.at, store, node }).catch(async error => {
    await folder.remove()
    throw error
  })
  const url = `ws://127.0.0.1:${server.port}/ws`
  return {
    url,
    child: server.child,
    create: (id, text) => feedCreate(url, { collection: COLLECTION, id }, textType.uri, text),
    edits: async id => (await server.read(COLLECTION, id)).v - CREATED,
    async stop() {
      await server.stop()
      await folder.remove()
    },
  }
}

async function startSharedb(node: readonly string[], postgres: string | null): Promise<StoreServer> {
  const process = new Peer<SharedbServerCalls>(peer('sharedb-server'), node)
  const url = await listening(process, process.ask('listen', { postgres }))
  return {
    url,
    child: process.child,
    create: (id, text) => feedCreate(url, { collection: COLLECTION, id }, textType.uri, text),
    edits: async id => (await process.ask('version', { collection: COLLECTION, id })) - CREATED,
    stop: () => process.stop(),
  }
}

/**
 * The least delay that serves Hocuspocus best. With none, each edit is stored at once and by itself, which is quickest for
 * a single writer; among several, a millisecond lets one state store the edits of all.
 */
const debounceOf = ({ writers }: Surroundings): number => (writers > 1 ? 1 : 0)

/** `debounceMs`: how long an edit waits for others before all are stored. */
export async function startHocuspocus(
  node: readonly string[],
  database: Database,
  debounceMs: number,
): Promise<StoreServer> {
  const process = new Peer<HocuspocusServerCalls>(peer('hocuspocus-server'), node)
  const url = await listening(process, process.ask('listen', { database, debounceMs }))
  const lengths = new Map<string, number>()
  return {
    url,
    child: process.child,
    async create(id, text) {
      lengths.set(id, text.length)
      await process.ask('create', { id, text })
    },
    edits: async id => (await process.ask('inserted', id)) - lengths.get(id)!,
    stop: () => process.stop(),
  }
}

/** The answer of a process that is to listen; without one it is stopped. */
function listening(process: { stop(): Promise<void> }, url: Promise<string>): Promise<string> {
  return url.catch(async error => {
    await process.stop()
    throw error
  })
}
