/**
 * A log that lasts as long as its `MemoryStorage`: for Node, for tests, and for the simulation, which decides when a
 * write becomes durable (`complete`) and what a crash loses (`crash`).
 */

import { type DocKey, keyText } from '../../ops/identity.ts'
import {
  advance,
  type Checkpoint,
  checkGapless,
  type Head,
  type Log,
  type LogEvent,
  logFailed,
  noHead,
  type Stored,
  type Summary,
  type Write,
} from './log.ts'

/** What is durable. Values are copied on their way in and out, as a real storage would. */
export interface MemoryStorage {
  /** By `keyText`. */
  readonly docs: Map<string, MemoryRecord>
}

export interface MemoryRecord {
  readonly key: DocKey
  head: Head
  checkpoint: Checkpoint | null
  events: LogEvent[]
  summary: Summary | null
}

export interface MemoryLogOptions {
  /** Logs on the same storage see what the former ones saved; without it a new, empty one. */
  readonly storage?: MemoryStorage
  /**
   * Called for each write when it is the first in line; the write waits until one of the two is called. `commit`
   * makes it durable, `fail` refuses it with a reason. Default: commits in a microtask.
   */
  readonly complete?: (commit: () => void, fail: (reason: string) => void) => void
}

export interface MemoryLog extends Log {
  /** The process dies: what is not durable never will be, and nothing that this log was asked settles any more. */
  crash(): void
}

export const memoryStorage = (): MemoryStorage => ({ docs: new Map() })

export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const { storage = memoryStorage(), complete = commit => queueMicrotask(commit) } = options
  let line: Promise<unknown> = Promise.resolve()
  let phase: 'open' | 'closed' | 'crashed' = 'open'

  /** Runs `task` when all that was called before it is done; never settles once the process has died. */
  function inLine<T>(task: () => T | Promise<T>): Promise<T> {
    if (phase === 'closed') return Promise.reject(logFailed('the log is closed'))
    const turn = line.then(() => (phase === 'crashed' ? new Promise<T>(() => {}) : task()))
    line = turn.catch(() => {})
    return turn
  }

  const save = (writes: readonly Write[]) =>
    new Promise<void>((resolve, reject) => {
      const commit = () => {
        if (phase === 'crashed') return
        try {
          resolve(commitAll(storage, writes))
        } catch (reason) {
          reject(logFailed(reason))
        }
      }
      const fail = (reason: string) => phase !== 'crashed' && reject(logFailed(reason))
      complete(commit, fail)
    })

  return {
    load: key => inLine(() => loadFrom(storage, key)),
    async write(writes) {
      const copy = copyOf(writes) // now: the caller may go on with its values
      return inLine(() => save(copy))
    },
    list: () => inLine(() => listFrom(storage)),
    async close() {
      const rest = line
      if (phase === 'open') phase = 'closed'
      await rest
    },
    crash() {
      phase = 'crashed'
    },
  }
}

/** All or nothing: whatever can be refused is refused before the first record changes. */
function commitAll({ docs }: MemoryStorage, writes: readonly Write[]): void {
  const heads = new Map<string, Head>()
  for (const write of writes) {
    const at = keyText(write.key)
    heads.set(at, advance(heads.get(at) ?? docs.get(at)?.head ?? noHead, write))
  }
  for (const write of writes) apply(docs, write)
}

function apply(docs: MemoryStorage['docs'], { key, events, checkpoint, summary, forget }: Write): void {
  const at = keyText(key)
  if (forget) {
    docs.delete(at)
    return
  }
  const record = docs.get(at) ?? { key, head: noHead, checkpoint: null, events: [], summary: null }
  docs.set(at, record)
  record.head = advance(record.head, { key, events, checkpoint })
  for (const event of events ?? []) record.events.push(event)
  if (checkpoint) {
    record.checkpoint = checkpoint
    record.events = record.events.filter(({ n }) => n > checkpoint.n)
  }
  if (summary) record.summary = summary
}

function loadFrom({ docs }: MemoryStorage, key: DocKey): Stored {
  const { head, checkpoint, events } = docs.get(keyText(key)) ?? {
    head: noHead,
    checkpoint: null,
    events: [],
  }
  return copyOf(checkGapless({ checkpoint, events }, head))
}

const listFrom = ({ docs }: MemoryStorage) =>
  [...docs.values()].flatMap(({ key, summary }) => (summary ? [copyOf({ ...summary, key })] : []))

function copyOf<T>(value: T): T {
  try {
    return structuredClone(value)
  } catch (reason) {
    throw logFailed(reason)
  }
}
