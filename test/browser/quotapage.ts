/** The page of quota.test.ts: a client whose hub lives in the page, on a clock that can be put forward. */

import { type Client, connect, type Doc } from '../../client/index.ts'

export interface QuotaPage {
  start(server: string, aheadMs: number): void
  /** Puts the clock forward; what was to run meanwhile runs. */
  pass(ms: number): void
  open(id: string): Promise<void>
  close(id: string): Promise<void>
  /** Puts `text` at the beginning. */
  edit(id: string, text: string): void
  text(id: string): string
  truth(id: string): Doc['truth']
  /** Null, or the code with which it was refused. */
  saved(id: string): Promise<string | null>
  settled(id: string): Promise<void>
  keep(ids: readonly string[]): Promise<void>
  /** The ids of the documents that are on the device. */
  known(): Promise<string[]>
  storage(): Promise<Awaited<Client['storage']>>
}

let client: Client
const docs = new Map<string, Doc<string>>()

let ahead = 0
const timers = new Map<() => void, number>()
const now = () => Date.now() + ahead
const after = (ms: number, task: () => void) => {
  const cancel = () => {
    clearTimeout(timer)
    timers.delete(run)
  }
  const run = () => {
    cancel()
    task()
  }
  const timer = setTimeout(run, ms)
  timers.set(run, now() + ms)
  return cancel
}

const page: QuotaPage = {
  start(server, aheadMs) {
    ahead = aheadMs
    client = connect({ server, device: 'quota', clock: { now, after, random: Math.random } })
  },
  pass(ms) {
    ahead += ms
    for (const [run, due] of timers) if (due <= now()) run()
  },
  async open(id) {
    docs.set(id, await client.open<string>('quota', id, 'text'))
  },
  close: id => docs.get(id)!.close(),
  edit: (id, text) => docs.get(id)!.edit([text]),
  text: id => docs.get(id)!.data,
  truth: id => docs.get(id)!.truth,
  saved: id =>
    docs.get(id)!.saved.then(
      () => null,
      error => error.code,
    ),
  settled: id => docs.get(id)!.settled,
  keep: ids => client.keep('quota', ids),
  known: async () => (await client.known()).map(({ id }) => id).sort(),
  storage: () => client.storage,
}

Object.assign(globalThis, { quotaPage: page })
