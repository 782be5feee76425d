/**
 * People with real clients at a cluster, typing tokens into documents, while something befalls it; then everything comes to rest
 * with no further edit (I9), and what must hold is told from the op log in Postgres, past all servers: I1 to I7 by the checker
 * of the chaos tests, and I8, that no token reached a device that may not read its document.
 */

import type { Grant } from '../../server/access/grants.ts'
import { readSettings } from '../../server/settings.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { openExisting } from '../../server/store/open.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { check, type Evidence } from '../chaos/checker.ts'
import { Ledger } from '../chaos/ledger.ts'
import { Random } from '../random.ts'
import { type Blow, type BlowName, blows, type Stage } from './blows.ts'
import type { Cluster } from './cluster.ts'
import { COLLECTION, Device } from './device.ts'

const WRITERS = 4
/** Acknowledged edits of each device before anything happens. */
const WARM = 10
const REST_MS = 60_000

export interface Toll {
  readonly documents: number
  readonly tokens: number
  readonly acked: number
  readonly versions: number
}

interface Paper {
  readonly id: string
  readonly type: TypeName
  /** Who may read it; null: everybody. */
  readonly owner: string | null
}

/** One blow to a cluster that runs, from a seed, with documents and devices of its own. Throws what did not hold. */
export async function besiege(cluster: Cluster, blow: BlowName, seed: number): Promise<Toll> {
  const siege = new Siege(cluster, seed)
  try {
    await siege.begin()
    await blows[blow].run(siege)
    return await siege.verdict(blows[blow])
  } finally {
    await siege.close()
  }
}

class Siege implements Stage {
  readonly cluster: Cluster
  readonly random: Random
  readonly #ledger = new Ledger()
  readonly #devices: Device[] = []
  #hushed = false
  readonly #papers: readonly Paper[]

  constructor(cluster: Cluster, seed: number) {
    this.cluster = cluster
    this.random = new Random(seed)
    const shared = (['text', 'rich', 'json'] as const).map(type => ({
      id: `${type} ${seed}`,
      type,
      owner: null,
    }))
    const own = names.map(name => ({ id: `${name} ${seed}`, type: 'text' as const, owner: name }))
    this.#papers = [...shared, ...own]
  }

  /** All writers sit down and type; one more only reads, and would like to read what is not for her. */
  async begin(): Promise<void> {
    for (const name of names) (await this.#seat(name, 'write')).type()
    const eve = await this.#seat(EVE, 'read')
    for (const { id, type, owner } of this.#papers)
      if (owner !== null) await within(REST_MS, eve.pry(id, type), `I8: ${EVE} is refused ${id}`)
    await this.served(WARM)
  }

  async #seat(name: string, may: Grant['may']): Promise<Device> {
    const mine = this.#papers.filter(({ owner }) => owner === null || owner === name)
    const balancer = await this.cluster.balancer(this.#devices.length)
    const grants = mine.map(({ id }) => ({ c: COLLECTION, d: id, may }))
    const device = new Device({
      name,
      port: balancer.port,
      token: () => this.cluster.token(name, grants),
      ledger: this.#ledger,
      random: this.random.fork(),
    })
    this.#devices.push(device)
    for (const { id, type } of mine) {
      const doc = await device.open(id, type)
      if (may === 'write') device.write(doc)
    }
    return device
  }

  typed = (count: number): Promise<void> => {
    const wanted = this.#ledger.count('saved') + count
    return this.#ledger.until(() => this.#ledger.count('saved') >= wanted, `${wanted} tokens are saved`)
  }

  hush = (): void => {
    if (!this.random.chance(0.5)) return
    this.#hushed = true
    this.#stop()
  }

  #stop(): void {
    for (const device of this.#devices) device.stop()
  }

  /** What was on its way before does not count. */
  served = async (count = 1): Promise<void> => {
    const { entries } = this.#ledger
    const from = entries.length
    const isServed = (name: string) =>
      entries.slice(from).filter(({ device, acked }) => acked && device === name).length >= count
    await Promise.all(names.map(name => this.#ledger.until(() => isServed(name), `${name} is served`)))
  }

  /** I9, and then all the others. */
  async verdict({ tells = [] }: Blow): Promise<Toll> {
    if (!this.#hushed) await this.served()
    this.#stop()
    await within(
      REST_MS,
      Promise.all(this.#devices.map(device => device.settled())),
      'I9: all is acknowledged',
    )
    const engine = await openExisting({ ...readSettings(), STORE: this.cluster.store })
    const store = storeOn(engine)
    const toll = { documents: this.#papers.length, tokens: 0, acked: 0, versions: 0 }
    try {
      for (const paper of this.#papers) {
        const key = { collection: COLLECTION, id: paper.id }
        const snapshot = await store.snapshot(key)
        await this.#agree(paper, snapshot)
        const sum = check({ ...this.#evidence(paper), snapshot, ops: await store.ops(key, 0, null) })
        toll.tokens += sum.tokens
        toll.acked += sum.acked
        toll.versions += sum.versions
      }
      const finding = await verifyStore(engine)
      if (finding.kind === 'differs') throw new Error(`I3: the database is not sound: ${finding.message}`)
    } finally {
      await store.close()
    }
    this.#checkSecrets()
    this.#checkTold(tells)
    return toll
  }

  /** I3, I9: all servers and all devices come to say the same. */
  async #agree({ id, type, owner }: Paper, { data }: Evidence['snapshot']): Promise<void> {
    const { equalDocs } = typeOf(type)
    const token = await this.cluster.token('root', [{ c: COLLECTION, d: '*', may: 'read' }])
    for (const { server } of this.cluster.nodes) {
      const url = `${server.origin}/v1/docs/${COLLECTION}/${encodeURIComponent(id)}`
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(url, { headers })
      const { data: told } = (await answer.json()) as { data: unknown }
      if (!equalDocs(told, data)) throw new Error(`I3: a server tells something else of ${id}`)
    }
    const shown = Promise.all(this.#readers(owner).map(device => device.shows(id, data)))
    await within(REST_MS, shown, `I9: all devices show ${id} as the server has it`)
  }

  #readers(owner: string | null): readonly Device[] {
    return this.#devices.filter(({ name }) => owner === null || owner === name)
  }

  #evidence({ id, owner }: Paper): Pick<Evidence, 'entries' | 'pages' | 'told'> {
    const all = [...this.#ledger.entries.entries()]
    return {
      entries: new Map(all.filter(([, { by }]) => this.#devices.some(device => device.by({ id }) === by))),
      pages: this.#readers(owner).map(device => device.standing(id)),
      told: new Map(),
    }
  }

  #checkSecrets(): void {
    for (const { name, heard } of this.#devices)
      for (const token of heard) {
        const { by } = this.#ledger.entries[token]!
        const paper = this.#papers.find(({ id }) => this.#devices.some(device => device.by({ id }) === by))!
        if (paper.owner !== null && paper.owner !== name)
          throw new Error(`I8: ${name} heard what stands in ${paper.id}`)
      }
  }

  /** I2: nothing is held, and nobody is told of an error that was none. */
  #checkTold(may: readonly string[]): void {
    for (const { name, told } of this.#devices)
      for (const code of told) if (!may.includes(code)) throw new Error(`I2: ${name} is told ${code}`)
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map(device => device.close()))
  }
}

const EVE = 'eve'
const names = Array.from({ length: WRITERS }, (_, i) => `w${i}`)

async function within<T>(ms: number, work: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${ms} ms`)), ms)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
