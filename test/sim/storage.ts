/** The storage of one simulated device: real records in memory, and what can happen to them. */

import { restore } from '../../client/engine/checkpoint.ts'
import type { SavedReplica } from '../../client/engine/saved.ts'
import { unpack } from '../../client/engine/stored.ts'
import { clone, corrupt, truncate, wipe } from '../../client/log/damage.ts'
import type { Log } from '../../client/log/log.ts'
import { type MemoryStorage, memoryLog, memoryStorage } from '../../client/log/memory.ts'
import type { DocKey } from '../../ops/identity.ts'
import type { Random } from '../random.ts'
import { tokensIn, tokensOf } from './edits.ts'
import type { Ledger } from './ledger.ts'
import type { Program } from './program.ts'

export class DeviceStorage {
  readonly #device: string
  readonly #records: MemoryStorage
  readonly #ledger: Ledger
  readonly #random: Random
  /** Writes are refused now. */
  full = false
  /** Something was done to it, ever: an edit may have been told that it cannot be saved. */
  troubled = false
  /** The log that was opened last: whether it found no space for its last write, and whether it is gone. */
  #last = { full: false, lost: false }
  /** How often something happened to this device that its storage knows nothing of any more. */
  lapses = 0
  /** A record of it is damaged: no log that reads it can be used. */
  #spoilt = false

  constructor(device: string, ledger: Ledger, random: Random, records: MemoryStorage) {
    this.#device = device
    this.#ledger = ledger
    this.#random = random
    this.#records = records
  }

  static make(device: string, ledger: Ledger, random: Random, history: boolean): DeviceStorage {
    return new DeviceStorage(device, ledger, random, memoryStorage({ history }))
  }

  /** As another device would have it that was set up from a copy. */
  copy(device: string, random: Random): DeviceStorage {
    return new DeviceStorage(device, this.#ledger, random, clone(this.#records))
  }

  /** Whether whoever is the hub now must say that it saves nothing. */
  get failing(): boolean {
    return this.#last.full || this.#last.lost || this.#spoilt
  }

  open(program: Program): Log {
    const state = { full: false, lost: false }
    this.#last = state
    if (this.#spoilt) this.lapses++
    const random = this.#random.fork()
    const log = memoryLog({
      storage: this.#records,
      randomBytes: bytes => bytes.set(bytes.map(() => random.int(256))),
      complete: (commit, fail) =>
        void program.after(0.5 + random.next() * (random.chance(0.1) ? 200 : 10), () => {
          if (this.full && !state.full) this.lapses++
          state.full = this.full
          if (this.full) fail('QuotaExceededError')
          else commit()
        }),
    })
    log.onLost(() => {
      this.lapses++
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
  async cut(): Promise<void> {
    this.#damage(() => truncate(this.#records, this.#random.next()))
    this.#spoilt = false
    this.lapses++
    for (const { key } of this.#records.docs.values())
      this.#ledger.wentBack(this.#device, key.id, new Set(await this.#shown(key)))
  }

  /** The tokens of a document as the next hub will find it. */
  async #shown(key: DocKey): Promise<number[]> {
    const log = memoryLog({ storage: clone(this.#records), randomBytes: bytes => bytes })
    const { checkpoint, events } = await log.load(key)
    const folded = unpack(events.map(({ event }) => event))
    const { view } = restore((checkpoint?.state as SavedReplica) ?? null, folded, checkpoint?.bulk?.value)
    return tokensOf(view.data)
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
    this.#ledger.destroyed(this.#device, tokensOfRecords([record]), new Set())
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
    this.#ledger.destroyed(this.#device, before, tokensOfRecords(this.#records.docs.values()))
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
