/** The storage of one simulated device: real records in memory, and what can happen to them. */

import { clone, corrupt, truncate, wipe } from '../../client/log/damage.ts'
import type { Log } from '../../client/log/log.ts'
import { type MemoryStorage, memoryLog, memoryStorage } from '../../client/log/memory.ts'
import type { Random } from '../random.ts'
import { tokensIn } from './edits.ts'
import type { Ledger } from './ledger.ts'
import type { Program } from './program.ts'

export class DeviceStorage {
  readonly #records: MemoryStorage
  readonly #ledger: Ledger
  readonly #random: Random
  /** Writes are refused now. */
  full = false
  /** Something was done to it, ever: an edit may have been told that it cannot be saved. */
  troubled = false
  /** The log that was opened last: whether it found no space for its last write, and whether it is gone. */
  #last = { full: false, lost: false }
  /** A record of it is damaged: no log that reads it can be used. */
  #spoilt = false

  constructor(ledger: Ledger, random: Random, records: MemoryStorage) {
    this.#ledger = ledger
    this.#random = random
    this.#records = records
  }

  static make(ledger: Ledger, random: Random, history: boolean): DeviceStorage {
    return new DeviceStorage(ledger, random, memoryStorage({ history }))
  }

  /** As another device would have it that was set up from a copy. */
  copy(random: Random): DeviceStorage {
    return new DeviceStorage(this.#ledger, random, clone(this.#records))
  }

  /** Whether whoever is the hub now must say that it saves nothing. */
  get failing(): boolean {
    return this.#last.full || this.#last.lost || this.#spoilt
  }

  open(program: Program): Log {
    const state = { full: false, lost: false }
    this.#last = state
    const random = this.#random.fork()
    const log = memoryLog({
      storage: this.#records,
      randomBytes: bytes => bytes.set(bytes.map(() => random.int(256))),
      complete: (commit, fail) =>
        void program.after(0.5 + random.next() * (random.chance(0.1) ? 200 : 10), () => {
          state.full = this.full
          if (this.full) fail('QuotaExceededError')
          else commit()
        }),
    })
    log.onLost(() => {
      state.lost = true
    })
    program.onEnd(() => log.crash())
    // A program may die, or freeze, between the moment in which a write is durable and that in which it hears of it.
    const write: Log['write'] = async writes => {
      await log.write(writes)
      await new Promise<void>(resolve => program.after(random.next() * 5, resolve))
    }
    const onLost: Log['onLost'] = listener => log.onLost(reason => program.run(() => listener(reason)))
    return { ...log, write, onLost }
  }

  // ---- damage ----

  fill(full: boolean): void {
    this.full = full
    this.troubled ||= full
  }

  /** Only while no program has it open. */
  cut(): void {
    this.#damage(() => truncate(this.#records, this.#random.next()))
    this.#spoilt = false
  }

  /** Only while no program has it open. False if there is nothing to spoil, or it was done: the same bit twice would mend it. */
  spoil(): boolean {
    const spots = [...this.#records.docs.values()].flatMap(({ key, events, checkpoint }) =>
      [...events, ...(checkpoint ? [checkpoint] : [])].map(({ n }) => ({ key, n })),
    )
    if (spots.length === 0 || this.#spoilt) return false
    const { key, n } = this.#random.pick(spots)
    this.troubled = true
    this.#spoilt = true
    const record = [...this.#records.docs.values()].find(each => each.key === key)!
    this.#ledger.destroyed(tokensOfRecords([record]), new Set())
    corrupt(this.#records, key, n)
    return true
  }

  evict(): void {
    this.#damage(() => wipe(this.#records))
    this.#spoilt = false
  }

  #damage(happen: () => void): void {
    this.troubled = true
    const before = tokensOfRecords(this.#records.docs.values())
    happen()
    this.#ledger.destroyed(before, tokensOfRecords(this.#records.docs.values()))
  }
}

type Record = Parameters<MemoryStorage['docs']['set']>[1]

const tokensOfRecords = (records: Iterable<Record>): Set<number> =>
  new Set(
    [...records].flatMap(({ checkpoint, bulk, events }) =>
      [...(checkpoint ? [checkpoint] : []), ...(bulk ? [bulk] : []), ...events].flatMap(({ record }) =>
        tokensIn(String(record)),
      ),
    ),
  )
