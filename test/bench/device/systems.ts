/** The systems that `device` holds side by side, by the names of their pages, and the server of each. */

import { join } from 'node:path'
import type { HocuspocusServerCalls } from '../peers/hocuspocus-server.ts'
import { installPackages } from '../peers/packages.ts'
import { Peer } from '../process.ts'
import { newFolder } from '../store/places.ts'
import { type Server, systems } from '../systems.ts'

export interface DeviceSystem {
  readonly name: string
  /** Installs what it needs, if that is not done yet. */
  readonly provide?: () => Promise<void>
  start(): Promise<Server>
}

const known = (name: string) => systems.find(system => system.name === name)!

export const deviceSystems: readonly DeviceSystem[] = [
  { name: 'holdfast', start: () => known('holdfast').start('text', []) },
  { name: 'yjs', provide: installPackages, start: startHocuspocus },
  { name: 'sharesync', provide: installPackages, start: () => known('sharedb').start('text', []) },
]

/** How long Hocuspocus waits for further edits before it stores a document, by default, in ms. */
const DEBOUNCE_MS = 2000

async function startHocuspocus(): Promise<Server> {
  const folder = await newFolder()
  const process = new Peer<HocuspocusServerCalls>(new URL('../peers/hocuspocus-server.ts', import.meta.url))
  const stop = async () => {
    await process.stop()
    await folder.remove()
  }
  const database = { sqlite: join(folder.at, 'hocuspocus.sqlite') }
  const url = await process.ask('listen', { database, debounceMs: DEBOUNCE_MS }).catch(async error => {
    await stop()
    throw error
  })
  return {
    url,
    child: process.child,
    create: (id, text) => process.ask('create', { id, text }),
    advance: (id, splices) => process.ask('advance', { id, splices }),
    content: id => process.ask('content', id),
    stop,
  }
}
