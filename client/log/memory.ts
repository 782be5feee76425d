/**
 * A log that lasts as long as its `MemoryStorage`: for Node, for tests, and for the simulation, which decides when a
 * write becomes durable (`complete`) and what a crash loses (`crash`).
 */

import { type DocKey, keyText, newSrc } from '../../ops/identity.ts'
import {
  advance,
  checkOwner,
  type Head,
  type Identity,
  isClean,
  type Listed,
  type Log,
  logFailed,
  losing,
  noHead,
  type Stored,
  type Summary,
} from './log.ts'
import { type Packed, pack } from './packing.ts'
import { type Numbered, type Standing, unpack } from './record.ts'

/** What is durable: records as in a real storage, so that a test can damage them (damage.ts). */
export interface MemoryStorage {
  /** By `keyText`. */
  readonly docs: Map<string, MemoryRecord>
  owner: Omit<Identity, 'fresh'> | null
  /** All that was committed, in order; null if nobody wants to cut it. */
  readonly history: Committed[] | null
  /** Told when the storage vanishes: the logs that are open on it. */
  readonly open: Set<(words: string) => void>
}

export interface MemoryRecord {
  readonly key: DocKey
  /** As it was with the last summary or checkpoint: the last event may be a later one. */
  head: Head
  checkpoint: Standing | null
  /** What checkpoints stand on; see `Bulk`. */
  bulk: Numbered | null
  events: Numbered[]
  summary: Summary | null
}

export type Committed = { readonly owner: MemoryStorage['owner'] } | { readonly writes: readonly Packed[] }

export interface MemoryLogOptions {
  /** Logs on the same storage see what the former ones saved; without it a new, empty one. */
  readonly storage?: MemoryStorage
  /**
   * Called for each write when it is the first in line; the write waits until one of the two is called. `commit`
   * makes it durable, `fail` refuses it with a reason. Default: commits in a microtask.
   */
  readonly complete?: (commit: () => void, fail: (reason: string) => void) => void
  /** Makes the id of a new storage; `crypto.getRandomValues` if not given. */
  readonly randomBytes?: (bytes: Uint8Array<ArrayBuffer>) => unknown
}

export interface MemoryLog extends Log {
  /** The process dies: what is not durable never will be, and nothing that this log was asked settles any more. */
  crash(): void
}

/** With `history` it can be cut as a damaged database is, and grows with every write for it. */
export const memoryStorage = ({ history = false } = {}): MemoryStorage => ({
  docs: new Map(),
  owner: null,
  history: history ? [] : null,
  open: new Set(),
})

export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const { storage = memoryStorage(), complete = commit => queueMicrotask(commit) } = options
  const identity = takeOver(storage, options.randomBytes ?? (bytes => crypto.getRandomValues(bytes)))
  const lost = losing()
  /** How far the documents go that were written here: what their owner remembers must be there. */
  const heads = new Map<string, Head>()
  let line: Promise<unknown> = Promise.resolve()
  let phase: 'open' | 'closed' | 'crashed' = 'open'
  storage.open.add(lost.lose)

  /** Runs `task` when all that was called before it is done; never settles once the process has died. */
  function inLine<T>(task: () => T | Promise<T>): Promise<T> {
    if (phase === 'closed') return Promise.reject(logFailed('the log is closed'))
    const turn = line.then(() => {
      if (phase === 'crashed') return new Promise<T>(() => {})
      lost.check()
      return task()
    })
    line = turn.catch(() => {})
    return turn
  }

  const save = (writes: readonly Packed[]) =>
    new Promise<void>((resolve, reject) => {
      const commit = () => {
        if (phase === 'crashed') return
        try {
          lost.check()
          checkOwner(identity, storage.owner)
          for (const [at, head] of commitAll(storage, writes)) heads.set(at, head)
          resolve()
        } catch (reason) {
          reject(logFailed(reason))
        }
      }
      const fail = (reason: string) => phase !== 'crashed' && reject(logFailed(reason))
      complete(commit, fail)
    })

  return {
    identity,
    load: key => inLine(() => loadFrom(storage, key, heads.get(keyText(key)) ?? noHead)),
    async write(writes) {
      const packed = writes.map(pack) // now: the caller may go on with its values
      return inLine(() => save(packed))
    },
    list: () => inLine(() => listFrom(storage)),
    unsent: () => inLine(() => unsentIn(storage)),
    clean: limit => inLine(() => cleanIn(storage, limit)),
    onLost: lost.onLost,
    async close() {
      const rest = line
      if (phase === 'open') phase = 'closed'
      await rest
      storage.open.delete(lost.lose)
    },
    crash() {
      phase = 'crashed'
      storage.open.delete(lost.lose)
    },
  }
}

function takeOver(storage: MemoryStorage, random: (bytes: Uint8Array<ArrayBuffer>) => unknown): Identity {
  const { owner: former, history } = storage
  const owner = { device: former?.device ?? newSrc(random), epoch: (former?.epoch ?? 0) + 1 }
  storage.owner = owner
  history?.push({ owner })
  return { ...owner, fresh: former === null }
}

/** All or nothing: whatever can be refused is refused before the first record changes. Answers with the new heads. */
export function commitAll({ docs, history }: MemoryStorage, writes: readonly Packed[]): Map<string, Head> {
  const heads = new Map<string, Head>()
  for (const write of writes) {
    const at = keyText(write.key)
    heads.set(at, advance(heads.get(at) ?? headOf(docs.get(at)), write))
  }
  for (const write of writes) apply(docs, write)
  history?.push({ writes })
  return heads
}

function apply(docs: MemoryStorage['docs'], write: Packed): void {
  const { key, events, checkpoint, bulk, summary, forget } = write
  const at = keyText(key)
  if (forget) {
    docs.delete(at)
    return
  }
  const record = docs.get(at) ?? {
    key,
    head: noHead,
    checkpoint: null,
    bulk: null,
    events: [],
    summary: null,
  }
  docs.set(at, record)
  if (summary || checkpoint) record.head = advance(headOf(record), write)
  record.events.push(...events)
  if (checkpoint) {
    record.checkpoint = checkpoint
    if (bulk || checkpoint.bulk === undefined) record.bulk = bulk ?? null
    record.events = record.events.filter(({ n }) => n > checkpoint.n)
  }
  if (summary) record.summary = summary
}

function headOf(record: MemoryRecord | undefined): Head {
  if (!record) return noHead
  const { last, covered } = record.head
  return { last: Math.max(last, record.events.at(-1)?.n ?? 0), covered }
}

function loadFrom({ docs }: MemoryStorage, key: DocKey, remembered: Head): Stored {
  const record = docs.get(keyText(key))
  const { last, covered } = record?.head ?? noHead
  const head = { last: Math.max(last, remembered.last), covered }
  return unpack(key, record ?? { checkpoint: null, bulk: null, events: [] }, head)
}

const listFrom = ({ docs }: MemoryStorage): Listed[] =>
  [...docs.values()].flatMap(({ key, summary }) => (summary ? [{ ...summary, key: { ...key } }] : []))

const unsentIn = (storage: MemoryStorage): DocKey[] =>
  listFrom(storage)
    .filter(({ unsent }) => unsent > 0)
    .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.at - a.at)
    .map(({ key }) => key)

const cleanIn = (storage: MemoryStorage, limit: number): Listed[] =>
  listFrom(storage)
    .filter(isClean)
    .sort((a, b) => a.at - b.at)
    .slice(0, Math.max(0, limit))
