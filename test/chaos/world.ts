/** A real server, the network before it, and real browsers with people at them: what a scenario acts in. */

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import type { Grant } from '../../server/access/grants.ts'
import { readSettings } from '../../server/settings.ts'
import type { Engine } from '../../server/store/engine.ts'
import { storeOn } from '../../server/store/enginestore.ts'
import { openExisting } from '../../server/store/open.ts'
import type { Store, StoredOp } from '../../server/store/store.ts'
import { verifyStore } from '../../server/store/verify.ts'
import type { TypeName } from '../../types/type.ts'
import type { RealBrowser } from '../browser/harness/browser.ts'
import { launchChromium } from '../browser/harness/chromium.ts'
import { launchFirefox } from '../browser/harness/firefox.ts'
import type { Pages } from '../browser/harness/pages.ts'
import type { BrowserName } from '../browser/harness/provide.ts'
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

/** Else a Chromium writes localStorage to the disk once a minute, and a round would wait for that. */
const FLAGS = ['--enable-aggressive-domstorage-flushing']

const launch = {
  chromium: (profile?: string) => launchChromium({ profile, flags: FLAGS }),
  firefox: (profile?: string) => launchFirefox({ profile }),
}

export interface WorldOptions {
  readonly browser: BrowserName
  readonly seed: number
  readonly site: Pages
  readonly bug: BugName | null
  /** The server asks for tokens, which the test gives to the pages. */
  readonly signed?: boolean
}

export interface Seat {
  readonly browser: RealBrowser
  readonly home?: Home
  /** In a private window. */
  readonly hidden?: boolean
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
  readonly #browsers = new Set<RealBrowser>()
  /** What the server had in its log when that was trimmed. */
  #archive: readonly StoredOp[] = []
  readonly #askers: (() => void)[] = []
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

  get browserName(): BrowserName {
    return this.#options.browser
  }

  async browser(profile?: string): Promise<RealBrowser> {
    const browser = await launch[this.browserName](profile)
    this.#browsers.add(browser)
    return browser
  }

  /** Somebody sits down at a page with the document. */
  async person(
    name: string,
    { browser, home = 'worker', hidden = false, skewMs = 0, direct = false, quotaBytes }: Seat,
  ): Promise<Person> {
    const { site, bug, signed = false } = this.#options
    const person = await Person.sit(
      name,
      browser,
      { home, hidden },
      {
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
        token: () => {
          for (const asked of this.#askers.splice(0)) asked()
          return this.#sign(name)
        },
      },
    )
    if (quotaBytes !== undefined) await person.limit(quotaBytes)
    await person.open()
    this.people.add(person)
    return person
  }

  /** The page is gone: nothing is asked of it any more. */
  gone(...people: readonly Person[]): void {
    for (const person of people) this.people.delete(person)
  }

  /** Resolves when a page asks for a token. A link does one thing at a time, so no older token is on its way then. */
  tokenAsked(): Promise<void> {
    return new Promise(resolve => this.#askers.push(resolve))
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
      told: this.ledger.toldLost,
    })
  }

  async #snapshot(): Promise<unknown> {
    const headers = this.#options.signed ? { authorization: `Bearer ${await this.#sign('root')}` } : undefined
    const answer = await fetch(`${this.server.origin}/v1/docs/${KEY.collection}/${KEY.id}`, { headers })
    return answer.status === 200 ? ((await answer.json()) as { data: unknown }).data : null
  }

  /** A copy of the server's data is made. Answers what puts it back in their place, as after a disk that broke. */
  async backUp(): Promise<() => Promise<void>> {
    const { server } = this
    const copy = await mkdtemp(join(tmpdir(), 'holdfast-backup-'))
    this.after(() => rm(copy, { recursive: true, force: true }))
    await server.kill('SIGTERM')
    await cp(server.dir, copy, { recursive: true })
    await server.restart()
    return async () => {
      await server.kill()
      await rm(server.dir, { recursive: true })
      await cp(copy, server.dir, { recursive: true })
      await server.restart()
    }
  }

  /** The server forgets the single edits of old. */
  async trim(): Promise<void> {
    await this.#offline(async store => {
      this.#archive = await store.ops(KEY, 0, null)
      const { ops } = await store.trim(Date.now())
      if (ops === 0) throw new Error('there was nothing to trim')
    })
    await this.server.restart()
  }

  /** The server's own database, once it has ended. */
  #database(): Promise<Pick<Evidence, 'ops' | 'snapshot'>> {
    return this.#offline(async (store, engine) => {
      const finding = await verifyStore(engine)
      if (finding.kind === 'differs') throw new Error(`I3: the database is not sound: ${finding.message}`)
      const later = await store.ops(KEY, this.#archive.length, null)
      return { ops: [...this.#archive, ...later], snapshot: await store.snapshot(KEY) }
    })
  }

  /** Ends the server, and does something with its database. */
  async #offline<T>(task: (store: Store, engine: Engine) => Promise<T>): Promise<T> {
    await this.server.kill('SIGTERM')
    const engine = await openExisting(readSettings({ HOLDFAST_DATA: this.server.dir }))
    const store = storeOn(engine)
    try {
      return await task(store, engine)
    } finally {
      await store.close()
    }
  }

  async close(): Promise<void> {
    // Two of them may have had the same profile: it goes when both have ended.
    const browsers = [...this.#browsers]
    await Promise.all(browsers.map(browser => browser.quit()))
    await Promise.all(browsers.map(browser => browser.close()))
    await this.proxy.close()
    await this.server.close()
    for (const task of this.#afterwards) await task()
  }
}

const isAck = (frame: object): boolean =>
  !('op' in frame) && !('create' in frame) && !('del' in frame) && !('error' in frame)
