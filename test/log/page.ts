/** What the page of the log's browser tests offers to them: the contract, and a device log to drive by hand. */

import { openDB } from 'idb'
import { openDeviceLog } from '../../client/log/device.ts'
import { openIdbLog } from '../../client/log/idb.ts'
import type { Log, Write } from '../../client/log/log.ts'
import type { DocKey } from '../../ops/identity.ts'
import { contract } from './contract.ts'

/** A settled call: a page cannot hand an error with its code to the test as it is. */
export type Settled<T> = { readonly value: T } | { readonly code: string; readonly message: string }

export interface LogPage {
  /** Runs a rule of the contract on a new database; the error's text, or null. */
  rule(title: string): Promise<string | null>
  /** Opens the device log `name` (or just its database) and keeps it for the calls below. */
  open(name: string, as: 'device' | 'database'): Promise<Settled<null>>
  write(writes: readonly Write[]): Promise<Settled<null>>
  /** Writes one event of `bytes` characters. */
  writeLarge(key: DocKey, n: number, bytes: number): Promise<Settled<null>>
  /** Writes the events `n`, `n + 1`, ... one by one without an end; `saved` says how far it came. */
  writeOnAndOn(key: DocKey, n: number): void
  readonly saved: number
  /** The numbers of the events that the log has. */
  numbers(key: DocKey): Promise<Settled<readonly number[]>>
  /** Opens the database as a newer version of the program would. */
  upgrade(name: string): Promise<Settled<null>>
  close(): Promise<Settled<null>>
}

let log: Log | null = null
let saved = 0
let homes = 0

async function settled<T>(task: Promise<T>): Promise<Settled<T>> {
  return task.then(
    value => ({ value }),
    error => ({ code: String(error.code), message: String(error.message) }),
  )
}

async function lose(name: string, { collection, id }: DocKey, n: number): Promise<void> {
  const db = await openDB(name)
  await db.delete('events', [collection, id, n])
  db.close()
}

const page: LogPage = {
  async rule(title) {
    const name = `rule-${homes++}`
    const { run } = contract.find(rule => rule.title === title)!
    try {
      await run({ open: () => openIdbLog(name), lose: (key, n) => lose(name, key, n) })
      return null
    } catch (error) {
      return error instanceof Error ? `${error.message}\n${error.stack}` : String(error)
    }
  },
  open: (name, as) =>
    settled(
      (as === 'device' ? openDeviceLog(name) : openIdbLog(name)).then(opened => {
        log = opened
        return null
      }),
    ),
  write: writes => settled(log!.write(writes).then(() => null)),
  writeLarge: (key, n, bytes) =>
    settled(log!.write([{ key, events: [{ n, event: randomText(bytes) }] }]).then(() => null)),
  writeOnAndOn(key, n) {
    log!.write([{ key, events: [{ n, event: n }] }]).then(() => {
      saved = n
      page.writeOnAndOn(key, n + 1)
    })
  },
  get saved() {
    return saved
  },
  numbers: key => settled(log!.load(key).then(({ events }) => events.map(({ n }) => n))),
  upgrade: name =>
    settled(
      openDB(name, 1_000).then(db => {
        db.close()
        return null
      }),
    ),
  close: () => settled(log!.close().then(() => null)),
}

/** Text that does not compress, or a storage that compresses would not fill. */
function randomText(length: number): string {
  const bytes = new Uint8Array(65_536)
  let text = ''
  while (text.length < length) {
    crypto.getRandomValues(bytes)
    text += Array.from(bytes, byte => String.fromCharCode(32 + (byte % 90))).join('')
  }
  return text.slice(0, length)
}

Object.assign(globalThis, { logPage: page })
