/**
 * Counts what is written to IndexedDB, in whatever context it is loaded: the build puts it in front of every script, a
 * page's or a worker's. The contexts tell each other what they wrote, so the page knows the sum of all.
 *
 * A write counts when its transaction is complete. Only puts and adds do: a deletion has a key's size at most.
 */

import { cloneSize, keySize } from './size.ts'

export interface Written {
  /** Of values and keys, see `size.ts`. */
  readonly bytes: number
  /** Those that put or added something. */
  readonly transactions: number
}

/** `here`: a context has come, and does not know yet whether to count. */
type Notice =
  | { readonly t: 'here' }
  | { readonly t: 'count'; readonly on: boolean }
  | ({ readonly t: 'written' } & Written)

const channel = new BroadcastChannel('bench-meter')
/** Bytes of each transaction of this context that has written something and is not complete. */
const running = new Map<IDBTransaction, number>()
const idlers: (() => void)[] = []
/** Of all contexts. */
let total: Written = { bytes: 0, transactions: 0 }
let changedAt = 0
/** Weighing a large document takes milliseconds: only when somebody wants to know. */
let counting = false

channel.onmessage = ({ data }: MessageEvent<Notice>) => {
  if (data.t === 'count') counting = data.on
  else if (data.t === 'written') add(data)
  else if (counting) channel.postMessage({ t: 'count', on: true } satisfies Notice)
}
channel.postMessage({ t: 'here' } satisfies Notice)

for (const name of ['put', 'add'] as const) {
  const write = IDBObjectStore.prototype[name]
  IDBObjectStore.prototype[name] = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
    const request = key === undefined ? write.call(this, value) : write.call(this, value, key)
    note(this.transaction, counting ? cloneSize(value) + keySize(key ?? inlineKey(this, value)) : 0)
    return request
  }
}

/** Its key is in the value where the store has a path for it; else the store numbers it. */
const inlineKey = ({ keyPath }: IDBObjectStore, value: unknown): IDBValidKey =>
  typeof keyPath === 'string' ? (value as Record<string, IDBValidKey>)[keyPath]! : 0

function note(transaction: IDBTransaction, bytes: number): void {
  if (!running.has(transaction)) {
    transaction.addEventListener('complete', () => settle(transaction, true))
    transaction.addEventListener('abort', () => settle(transaction, false))
  }
  running.set(transaction, (running.get(transaction) ?? 0) + bytes)
}

function settle(transaction: IDBTransaction, complete: boolean): void {
  const written = { bytes: running.get(transaction)!, transactions: 1 }
  running.delete(transaction)
  if (complete && counting) {
    add(written)
    channel.postMessage({ t: 'written', ...written } satisfies Notice)
  }
  if (running.size === 0) for (const idle of idlers.splice(0)) idle()
}

function add({ bytes, transactions }: Written): void {
  total = { bytes: total.bytes + bytes, transactions: total.transactions + transactions }
  changedAt = performance.now()
}

/** Switches the counting on or off in all contexts; the count goes on from where it was. */
export function count(on: boolean): void {
  counting = on
  channel.postMessage({ t: 'count', on } satisfies Notice)
}

/** Resolves when no transaction of this context that has written something is open. */
export const idle = (): Promise<void> =>
  running.size === 0 ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))

/** What all contexts have written while they counted, once none has written anything for `ms`. */
export async function written(ms: number): Promise<Written> {
  changedAt = performance.now()
  for (let rest = ms; rest > 0; rest = changedAt + ms - performance.now()) {
    await new Promise(resolve => setTimeout(resolve, rest))
    await idle()
  }
  return total
}
