/** A real server, the network before it, and real browsers with people at them: what a scenario acts in. */

import { SignJWT } from 'jose'
import type { Grant } from '../../server/access/grants.ts'
import { readSettings } from '../../server/settings.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { openExisting } from '../../server/store/open.ts'
import { verifyStore } from '../../server/store/verify.ts'
import type { TypeName } from '../../types/type.ts'
import { type Chromium, launchChromium } from '../browser/harness/chromium.ts'
import type { Pages } from '../browser/harness/pages.ts'
import { type FaultProxy, startProxy } from '../browser/harness/proxy.ts'
import { type ServerProcess, startServerProcess } from '../browser/harness/server.ts'
import { Random } from '../random.ts'
import { tokensOf } from '../sim/edits.ts'
import type { BugName } from './bugs.ts'
import { check, type Evidence, type Sum } from './checker.ts'
import { Ledger } from './ledger.ts'
import { type Home, Person } from './person.ts'

const KEY = { collection: 'chaos', id: 'doc' }
const SECRET = 'a secret of the chaos tests, long enough'
const SIGNED = {
  HOLDFAST_ACCESS: 'jwt',
  HOLDFAST_JWT_SECRET: SECRET,
  HOLDFAST_JWT_ISSUER: 'chaos',
  HOLDFAST_JWT_AUDIENCE: 'chaos',
}
const TYPES: readonly TypeName[] = ['text', 'rich', 'json']

export interface WorldOptions {
  readonly seed: number
  readonly site: Pages
  readonly bug: BugName | null
  /** The server asks for tokens, which the test gives to the pages. */
  readonly signed?: boolean
}

export interface Seat {
  readonly browser: Chromium
  readonly home?: Home
  readonly skewMs?: number
  /** Past the proxy, whose faults it does not meet. */
  readonly direct?: boolean
  /** What the browser lets the page store. */
  readonly quotaBytes?: number
}

export class World {
  readonly random: Random
  readonly ledger = new Ledger()
  readonly server: ServerProcess
  readonly proxy: FaultProxy
  readonly people = new Set<Person>()
  /** What tokens of people allow from now on, and for how long they are good. */
  may: Grant['may'] = 'write'
  tokenMs = 60_000
  readonly #options: WorldOptions
  readonly #browsers = new Set<Chromium>()
  readonly #afterwards: (() => Promise<void>)[] = []
  readonly #type: TypeName

  private constructor(options: WorldOptions, server: ServerProcess, proxy: FaultProxy) {
    this.#options = options
    this.server = server
    this.proxy = proxy
    this.random = new Random(options.seed)
    this.#type = this.random.pick(TYPES)
    this.#watchAcks()
  }

  static async make(options: WorldOptions): Promise<World> {
    const env = { HOLDFAST_DURABILITY: 'normal', HOLDFAST_DRAIN_MS: '500', ...(options.signed && SIGNED) }
    const server = await startServerProcess({ env })
    return new World(options, server, await startProxy(server))
  }

  /** Which tokens each op carries that was sent, and which of these names the server acknowledged. */
  #watchAcks(): void {
    const sent = new Map<string, number[]>()
    this.proxy.intercept(({ from, json }) => {
      const frame = json as {
        a?: string
        src?: string
        seq?: number
        submit?: { src: string; seq: number }
      } | null
      const named = frame?.a === 'h.catchup' ? frame.submit : frame?.a === 'op' ? frame : undefined
      if (named === undefined || frame === null) return 'pass'
      const name = `${named.src}:${named.seq}`
      if (from === 'client') sent.set(name, tokensOf(frame.a === 'op' ? frame : frame.submit))
      else if (isAck(frame)) this.ledger.note('acked', sent.get(name) ?? [])
      return 'pass'
    })
  }

  async browser(profile?: string): Promise<Chromium> {
    const browser = await launchChromium({ profile })
    this.#browsers.add(browser)
    return browser
  }

  /** Somebody sits down at a page with the document. */
  async person(
    name: string,
    { browser, home = 'worker', skewMs = 0, direct = false, quotaBytes }: Seat,
  ): Promise<Person> {
    const { site, bug, signed = false } = this.#options
    const person = await Person.sit(name, browser, home, {
      address: `${site.origin}/`,
      ledger: this.ledger,
      random: this.random.fork(),
      opening: {
        server: (direct ? this.server : this.proxy).origin,
        id: KEY.id,
        type: this.#type,
        signed,
        skewMs,
        bug,
      },
      token: () => this.#sign(name),
    })
    if (quotaBytes !== undefined) await person.limit(quotaBytes)
    await person.open()
    this.people.add(person)
    return person
  }

  /** The page is gone: nothing is asked of it any more. */
  gone(...people: readonly Person[]): void {
    for (const person of people) this.people.delete(person)
  }

  #sign(who: string): Promise<string> {
    const grants: Grant[] = [{ c: KEY.collection, d: '*', may: this.may }]
    return new SignJWT({ holdfast: grants })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(who)
      .setIssuer('chaos')
      .setAudience('chaos')
      .setExpirationTime(Math.floor((Date.now() + this.tokenMs) / 1000))
      .sign(new TextEncoder().encode(SECRET))
  }

  /** Resolves when the person at that page was told so. */
  toldOf({ device, name }: Person, code: string): Promise<void> {
    const { told } = this.ledger
    return this.ledger.until(() => told.get(device)?.has(code) ?? false, `${name} is told ${code}`)
  }

  /** Is done when everything is over. */
  after(task: () => Promise<void>): void {
    this.#afterwards.push(task)
  }

  /** No fault is there any more; who is left comes to rest with no further edit. Then what must hold is checked. */
  async verdict(): Promise<Sum> {
    this.proxy.delayMs = 0
    this.proxy.bytesPerSecond = Number.POSITIVE_INFINITY
    this.proxy.mode = 'pass'
    const people = [...this.people]
    await Promise.all(people.map(person => person.rested()))
    const shown = await this.#snapshot()
    await Promise.all(people.map(person => person.agrees(shown)))
    const pages = await Promise.all(people.map(person => person.standing()))
    return check({
      ...(await this.#database()),
      pages,
      entries: new Map(this.ledger.entries.entries()),
      told: this.#whoWasTold(),
    })
  }

  async #snapshot(): Promise<unknown> {
    const headers = this.#options.signed ? { authorization: `Bearer ${await this.#sign('root')}` } : undefined
    const answer = await fetch(`${this.server.origin}/v1/docs/${KEY.collection}/${KEY.id}`, { headers })
    return answer.status === 200 ? ((await answer.json()) as { data: unknown }).data : null
  }

  #whoWasTold(): Set<string> {
    return new Set(
      [...this.ledger.told].flatMap(([device, codes]) =>
        codes.has('LOG_FAILED') || codes.has('LOSS') ? [device] : [],
      ),
    )
  }

  /** The server's own database, once it has ended. */
  async #database(): Promise<Pick<Evidence, 'ops' | 'snapshot'>> {
    await this.server.kill('SIGTERM')
    const engine = await openExisting(readSettings({ HOLDFAST_DATA: this.server.dir }))
    const finding = await verifyStore(engine)
    if (finding.kind === 'differs') throw new Error(`I3: the database is not sound: ${finding.message}`)
    const store = storeOn(engine)
    const [ops, snapshot] = [await store.ops(KEY, 0, null), await store.snapshot(KEY)]
    await store.close()
    return { ops, snapshot }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#browsers].map(browser => browser.close()))
    await this.proxy.close()
    await this.server.close()
    for (const task of this.#afterwards) await task()
  }
}

const isAck = (frame: object): boolean =>
  !('op' in frame) && !('create' in frame) && !('del' in frame) && !('error' in frame)
