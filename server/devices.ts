/**
 * The manifest of devices: how many edits each said it has that are not about to reach the server. A browser that loses
 * its storage comes back as another device; where it has the same cookie (browser.ts), the same person and a log of
 * the same name, the former device is gone, and what it had with it.
 *
 * One row for each such place, and none where there is nothing to lose.
 */

import { createHash } from 'node:crypto'
import type { DeviceAnswer, DeviceFrame } from '../ops/protocol.ts'
import type { Store } from './store/store.ts'

/** Where a device stands: what stays as it is when its storage is lost. */
export interface Place {
  /** The principal; null on an open server. */
  readonly who: string | null
  readonly browser: string
  readonly log: string
}

interface Row {
  readonly device: string
  readonly edits: number
  /** When it said so, ms since 1970. */
  readonly at: number
}

type Notes = Pick<Store, 'memo' | 'changeMemo'>

/** What is known of a device, and what a former one in its place had; with `edits`, that is what it has from now on. */
export async function meetDevice(
  store: Notes,
  place: Place,
  { device, edits }: Pick<DeviceFrame, 'device' | 'edits'>,
  at: number,
): Promise<Pick<DeviceAnswer, 'edits' | 'lost'>> {
  if (edits === undefined) return lookUp(store, place, device)
  await note(store, place, { device, edits, at })
  return { edits, lost: null }
}

async function lookUp(
  store: Notes,
  place: Place,
  device: string,
): Promise<Pick<DeviceAnswer, 'edits' | 'lost'>> {
  const text = await store.memo(nameOf(place))
  if (text === null) return { edits: 0, lost: null }
  const { device: former, edits, at } = JSON.parse(text) as Row
  return former === device ? { edits, lost: null } : { edits: 0, lost: { edits, at } }
}

/** Takes the place of whatever is noted there. Durable when it resolves. */
async function note(store: Notes, place: Place, row: Row): Promise<void> {
  const name = nameOf(place)
  const next = row.edits > 0 ? JSON.stringify(row) : null
  // Two connections of one place are rare, and each says the truth of its moment.
  for (let moved = false; !moved; ) {
    const before = await store.memo(name)
    moved = before === next || (await store.changeMemo(name, before, next))
  }
}

const nameOf = ({ who, browser, log }: Place): string =>
  `device ${createHash('sha256')
    .update(JSON.stringify([who, browser, log]))
    .digest('hex')
    .slice(0, 32)}`
