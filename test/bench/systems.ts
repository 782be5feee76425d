/**
 * The systems that the bench holds side by side: for each, how its server is started, fed and read, and which process
 * is its client. A server lives in a process of its own; the bench's own process feeds it.
 */

import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rich, text } from '../../types/index.ts'
import { deltaOp, type Splice, textOp } from '../traces/splice.ts'
import { type Digest, digest, type Kind } from './content.ts'
import { feedCreate, feedOps } from './feed.ts'
import { HoldfastServer } from './holdfast-server.ts'
import type { SharedbServerCalls } from './peers/sharedb-server.ts'
import { stockTypes } from './peers/stock.ts'
import type { YjsServerCalls } from './peers/yjs-server.ts'
import { Peer } from './process.ts'

export const COLLECTION = 'bench'

export interface Server {
  /** What a client of this system connects to. */
  readonly url: string
  readonly child: ChildProcess
  create(id: string, base: string): Promise<void>
  /** Commits the splices on the document as it was created, each by itself. */
  advance(id: string, splices: readonly Splice[]): Promise<void>
  content(id: string): Promise<Digest>
  stop(): Promise<void>
}

export interface System {
  readonly name: string
  readonly kinds: readonly Kind[]
  readonly client: URL
  start(kind: Kind, node: readonly string[]): Promise<Server>
}

const peer = (name: string) => new URL(`./peers/${name}.ts`, import.meta.url)

export const systems: readonly System[] = [
  { name: 'holdfast', kinds: ['text', 'rich'], client: peer('holdfast-client'), start: startHoldfast },
  {
    name: 'sharedb',
    kinds: ['text', 'rich'],
    client: peer('sharedb-client'),
    start: (kind, node) => startSharedb(kind, kind === 'rich' ? 'rich-text' : 'text-unicode', node),
  },
  {
    name: 'sharedb-ot-text',
    kinds: ['text'],
    client: peer('sharedb-client'),
    start: (kind, node) => startSharedb(kind, 'ot-text', node),
  },
  { name: 'yjs', kinds: ['text', 'rich'], client: peer('yjs-client'), start: startYjs },
]

const dataOf = (kind: Kind, base: string) => (kind === 'rich' ? { ops: [{ insert: base }] } : base)
const opsOf = (kind: Kind, splices: readonly Splice[]): unknown[] =>
  kind === 'rich' ? splices.map(deltaOp) : splices.map(textOp)
const addressOf = (id: string) => ({ collection: COLLECTION, id })

/** Version of a document that was created and not edited. */
const CREATED = 1

/** With its SQLite file, at its default durability, `full`. */
async function startHoldfast(kind: Kind, node: readonly string[]): Promise<Server> {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const server = await HoldfastServer.start({ data, node })
  const socket = () => `ws://127.0.0.1:${server.port}/ws`
  const { uri } = kind === 'rich' ? rich : text
  return {
    get url() {
      return server.url
    },
    get child() {
      return server.child
    },
    create: (id, base) => feedCreate(socket(), addressOf(id), uri, dataOf(kind, base)),
    advance: (id, splices) => feedOps(socket(), addressOf(id), CREATED, opsOf(kind, splices)),
    async content(id) {
      const { data } = (await server.read(COLLECTION, id)) as { data: string | { ops: { insert: string }[] } }
      return digest(typeof data === 'string' ? data : data.ops)
    },
    async stop() {
      await server.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}

async function startSharedb(kind: Kind, type: string, node: readonly string[]): Promise<Server> {
  const process = new Peer<SharedbServerCalls>(peer('sharedb-server'), node)
  const url = await process.ask('listen', { postgres: null })
  return {
    url,
    child: process.child,
    create: (id, base) => feedCreate(url, addressOf(id), stockTypes[type]!.uri, dataOf(kind, base)),
    advance: (id, splices) => feedOps(url, addressOf(id), CREATED, opsOf(kind, splices)),
    content: id => process.ask('content', addressOf(id)),
    stop: () => process.stop(),
  }
}

async function startYjs(kind: Kind, node: readonly string[]): Promise<Server> {
  const process = new Peer<YjsServerCalls>(peer('yjs-server'), node)
  return {
    url: await process.ask('listen', undefined),
    child: process.child,
    create: (id, base) => process.ask('create', { id, base }),
    advance: (id, splices) => process.ask('advance', { id, splices }),
    content: id => process.ask('content', { id, kind }),
    stop: () => process.stop(),
  }
}
