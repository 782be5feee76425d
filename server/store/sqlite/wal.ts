/**
 * The write-ahead log as a file. SQLite writes it, and left to itself would sync it by fsync, which waits for the disk twice: for
 * the data, and for the file's times and length. A commit here waits once: fdatasync leaves the times, and the file has its length
 * beforehand, once it is in use.
 *
 * Law: what was committed before a `sync` that returned is on the disk.
 */

import { closeSync, fdatasyncSync, fstatSync, openSync, writeSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { HoldfastError } from '../../../ops/errors.ts'

/** As long as it gets until SQLite begins it anew, after 1000 pages of 4 kB, and what one large commit may go beyond that. */
export const WAL_BYTES = 5 * 2 ** 20
/** A database that takes few commits does without: so many come first. */
const COMMITS_BEFORE = 32

/** Of the file with this descriptor; throws what the disk says. */
export type Sync = (file: number) => void

export class Wal {
  readonly #db: DatabaseSync
  readonly #file: number
  readonly #sync: Sync
  #commits = 0

  /** `db`, at `path`, has been asked something: its log is there. A commit in it that a killed process left may not be synced. */
  constructor(db: DatabaseSync, path: string, sync: Sync = fdatasyncSync) {
    this.#db = db
    this.#sync = sync
    this.#file = openSync(`${path}-wal`, 'r+')
    this.sync()
  }

  /**
   * After a commit. Where the disk fails, nobody can tell any more what it has, and may even be told at the next try that all is
   * well: so the database is closed, and opened again only with the process. Throws `STORE_FAILED`.
   */
  sync(): void {
    try {
      this.#sync(this.#file)
    } catch (error) {
      this.#db.close()
      throw new HoldfastError(
        'STORE_FAILED',
        `The disk failed to keep what was written, start the server again: ${(error as Error).message}`,
      )
    }
  }

  /** Within a write transaction, so that nobody else makes it longer meanwhile: SQLite takes zeros at the end for no part of it. */
  lengthen(): void {
    if (++this.#commits !== COMMITS_BEFORE) return
    const { size } = fstatSync(this.#file)
    const missing = WAL_BYTES - size
    try {
      if (missing > 0) writeSync(this.#file, Buffer.alloc(missing), 0, missing, size)
    } catch {
      // The disk is full, perhaps: then it grows by and by, if it can.
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}
