/** The page of quota.test.ts: a client whose hub lives in the page, on a clock that is `skewMs` ahead. */

import { type Client, connect, type Doc } from '../../client/index.ts'

export interface QuotaPage {
  start(server: string, skewMs: number): void
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
  /** Resolves once that many are. */
  holds(count: number): Promise<void>
  storage(): Promise<Awaited<Client['storage']>>
}

let client: Client
const docs = new Map<string, Doc<string>>()

const page: QuotaPage = {
  start(server, skewMs) {
    const after = (ms: number, task: () => void) => {
      const timer = setTimeout(task, ms)
      return () => clearTimeout(timer)
    }
    const clock = { now: () => Date.now() + skewMs, after, random: Math.random }
    client = connect({ server, device: 'quota', clock })
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
  async holds(count) {
    while ((await client.known()).length !== count) await new Promise(resolve => setTimeout(resolve, 20))
  },
  storage: () => client.storage,
}

Object.assign(globalThis, { quotaPage: page })
