/** What a <holdfast-editor> is while it shows one document: the open document and everything drawn for it. */

import type { Client, Doc, Peer, Truth } from '../api.ts'
import { type Person, type Presence, presenceOf } from '../binding/index.ts'
import { sharedClient } from './clients.ts'
import { makeHeldPanel } from './held.ts'
import { makeLossNote } from './loss.ts'
import { makeRestorePanel } from './restore.ts'
import { makeStatusLine } from './status.ts'
import { makeSurface, type Surface } from './surface.ts'
import { complaintOf, type Target } from './target.ts'

export interface SessionEvents {
  opened(doc: Doc): void
  /** The document cannot be shown. */
  failed(fault: unknown): void
  truth(truth: Truth): void
  changed(local: boolean): void
  people(people: readonly Presence[]): void
}

export interface Session {
  rename(person: Person): void
  close(): void
}

/** Opens `target` and draws it into `host`, which must be empty; tells `events` what becomes of it. */
export function startSession(
  target: Target,
  host: HTMLElement,
  first: Person,
  events: SessionEvents,
): Session {
  let person = first
  let surface: Surface | null = null
  let closed = false
  const ends: (() => void)[] = []

  const draw = (typed: Doc, client: Client) => {
    const body = part(host, 'hf-body')
    const foot = part(host, 'hf-foot')
    const note = makeLossNote(part(foot, 'hf-loss'), client)
    const question = part(foot, 'hf-restore')
    const panel = part(foot, 'hf-held')
    const line = part(foot, 'hf-status')
    const status = makeStatusLine(line)
    const held = makeHeldPanel(panel, typed, target.server)
    const restore = makeRestorePanel(question, typed)
    surface = makeSurface(body, typed, person, {
      refused: fault => status.warn(`What you typed could not be taken: ${complaintOf(fault).message}`),
    })
    const tell = (truth: Truth) => {
      status.show(truth)
      held.show()
      restore.show()
      events.truth(truth)
    }
    ends.push(
      surface.close,
      note.close,
      held.close,
      restore.close,
      status.close,
      typed.on('truth', tell),
      typed.on('change', ({ local, undone }) => events.changed(local || undone)),
      typed.on('presence', (peers: readonly Peer[]) => events.people(peers.map(presenceOf))),
    )
    tell(typed.truth)
  }

  const start = async () => {
    const client = sharedClient(target.server)
    // Two handles: what the editor typed is local to the one, what the page edits by `.document` to the other.
    const open = () => client.open(target.collection, target.id, target.type)
    const [typed, shown] = await Promise.all([open(), open()])
    ends.push(
      () => void typed.close(),
      () => void shown.close(),
    )
    if (closed) return end()
    draw(typed, client)
    events.opened(shown)
  }
  const end = () => {
    for (const each of ends.splice(0)) each()
  }

  start().catch(fault => {
    end()
    if (!closed) events.failed(fault)
  })
  return {
    rename(next) {
      person = next
      surface?.rename(next)
    },
    close() {
      closed = true
      end()
    },
  }
}

function part(host: HTMLElement, name: string): HTMLElement {
  const element = host.appendChild(document.createElement('div'))
  element.className = name
  return element
}
