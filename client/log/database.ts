/** Opens the database of the log, whatever other tabs do with it, and takes it over. */

import { newSrc } from '../../ops/identity.ts'
import { type Identity, logFailed } from './log.ts'
import { SCHEMA_VERSION } from './reading.ts'
import { abort, asked, completed } from './requests.ts'
import { type Owner, type RandomBytes, upgrade } from './schema.ts'

/** An old page that lets go of the database does so at once; one that is frozen does not hear that it should. */
const BLOCKED_MS = 5_000

const BLOCKED =
  'another tab holds an older version of the log on this device open; close the other tabs of this page'
const NEWER = 'a newer version of this page made the log on this device; reload the page to get it'
const REPLACED = 'a newer version of this page needs the log on this device; reload this one'
const DELETED = 'the log on this device was deleted; what this page holds is in memory only'
const VANISHED = 'the browser closed the log on this device, as it does when its data are cleared or fail'

export interface DatabaseOptions {
  /** How long other tabs may take to let a new version have the database. */
  readonly blockedMs?: number
  /** Makes the device's id; `crypto.getRandomValues` if not given. */
  readonly randomBytes?: RandomBytes
}

/** `lose` is told in words when the database vanishes later on. */
export async function openDatabase(
  name: string,
  { blockedMs = BLOCKED_MS, randomBytes = cryptoBytes }: DatabaseOptions,
  lose: (words: string) => void,
): Promise<{ db: IDBDatabase; identity: Identity }> {
  const { db, fresh } = await connect(name, blockedMs, randomBytes, lose)
  try {
    return { db, identity: { ...(await takeOver(db, randomBytes)), fresh } }
  } catch (reason) {
    db.close()
    throw reason
  }
}

function connect(
  name: string,
  blockedMs: number,
  randomBytes: RandomBytes,
  lose: (words: string) => void,
): Promise<{ db: IDBDatabase; fresh: boolean }> {
  return new Promise((resolve, reject) => {
    let fresh = false
    let timer: ReturnType<typeof setTimeout> | undefined
    let given: unknown = null
    const giveUp = (reason: unknown) => {
      given ??= logFailed(reason)
      reject(given)
    }
    const opening = indexedDB.open(name, SCHEMA_VERSION)
    opening.onupgradeneeded = ({ oldVersion }) => {
      clearTimeout(timer) // nobody blocks it any more, and it may take its time
      fresh = oldVersion === 0
      const tx = opening.transaction!
      completed(tx).catch(giveUp)
      upgrade(tx, oldVersion, randomBytes).catch(reason => {
        giveUp(reason)
        abort(tx)
      })
    }
    opening.onblocked = () => {
      timer = setTimeout(() => giveUp(BLOCKED), blockedMs)
    }
    asked(opening)
      .then(
        db => {
          watch(db, lose)
          if (given) db.close()
          else resolve({ db, fresh })
        },
        reason => giveUp(reason instanceof Error && reason.name === 'VersionError' ? NEWER : reason),
      )
      .finally(() => clearTimeout(timer))
  })
}

function watch(db: IDBDatabase, lose: (words: string) => void): void {
  db.onversionchange = ({ newVersion }) => {
    lose(newVersion === null ? DELETED : REPLACED)
    db.close() // or whoever wants it otherwise would wait for us
  }
  db.onclose = () => lose(VANISHED)
}

/** Whoever had the log before can write no more once this is complete. */
async function takeOver(db: IDBDatabase, random: RandomBytes): Promise<Omit<Identity, 'fresh'>> {
  const tx = db.transaction('meta', 'readwrite', { durability: 'strict' })
  const meta = tx.objectStore('meta')
  const complete = completed(tx)
  complete.catch(() => {}) // it fails below, unless what is awaited before has failed
  const former: Owner | undefined = await asked(meta.get('owner'))
  const device = former?.device ?? newSrc(random)
  const epoch = (former?.epoch ?? 0) + 1
  meta.put({ device, epoch, docs: former?.docs ?? 0 } satisfies Owner, 'owner')
  await complete
  return { device, epoch }
}

const cryptoBytes: RandomBytes = bytes => crypto.getRandomValues(bytes)
