/** A gateway with a policy in the test's hands, clients on sockets in memory, and a clock that the test moves. */

import { setImmediate } from 'node:timers/promises'
import { HoldfastError } from '../../../ops/errors.ts'
import type { Access, Action, Principal } from '../../../server/access/access.ts'
import { allows, type Grant } from '../../../server/access/grants.ts'
import { type Gateway, openGateway } from '../../../server/gateway/gateway.ts'
import { openSession, type Session } from '../../../server/gateway/session.ts'
import { readSettings, type Settings } from '../../../server/settings.ts'
import { openSqliteStore } from '../../../server/store/sqlite.ts'
import type { Store } from '../../../server/store/store.ts'
import { VirtualClock } from '../../sim/clock.ts'
import type { AnyFrame } from '../scene.ts'

/** What a token says on this site: it is the JSON of a principal. */
export const tokenOf = (principal: Principal): string => JSON.stringify(principal)

/** A policy that the test changes as it goes. `root` may do everything. */
export class Board implements Access {
  readonly grants = new Map<string, Grant[]>()
  changed: (principal?: string) => void = () => {}
  /** Questions so far, as text. */
  readonly asked: string[] = []

  give(who: string, may: Action | null, c = 'notes', d = 'a'): void {
    const others = (this.grants.get(who) ?? []).filter(grant => grant.c !== c || grant.d !== d)
    this.grants.set(who, may ? [...others, { c, d, may }] : others)
  }

  async authenticate(token: string): Promise<Principal> {
    try {
      return JSON.parse(token)
    } catch {
      throw new HoldfastError('TOKEN_INVALID')
    }
  }

  access({ id }: Principal, action: Action, collection: string, doc: string | null): boolean {
    this.asked.push(`${id} ${action} ${collection}/${doc}`)
    return id === 'root' || allows(this.grants.get(id) ?? [], action, collection, doc)
  }

  watch(changed: (principal?: string) => void): void {
    this.changed = changed
  }
}

/** A socket in memory: what was said on it, and how it ended. */
export interface Line {
  readonly session: Session
  readonly said: AnyFrame[]
  readonly end: { code: number; reason: string } | null
  say(frame: AnyFrame): void
  /** The next frame, not returned before, that has all these fields; undefined: it must not have it. */
  next(fields: AnyFrame): Promise<AnyFrame>
  ask(frame: AnyFrame, fields: AnyFrame): Promise<AnyFrame>
}

export const hello = (src: string) => ({ a: 'hs', id: src, protocol: 1, protocolMinor: 2, holdfast: 1 })

export class Site {
  readonly board = new Board()
  readonly reports: string[] = []
  readonly clock = new VirtualClock()
  readonly #settings: Settings
  readonly #access: Access
  store: Store
  gateway: Gateway

  constructor(settings: Partial<Settings> = {}, access?: Access, path = ':memory:') {
    this.#settings = { ...readSettings(), ...settings }
    this.#access = access ?? this.board
    this.store = openSqliteStore({ path })
    this.gateway = this.#open()
  }

  #open(): Gateway {
    const report = (what: string, error?: unknown) => void this.reports.push(`${what} ${String(error ?? '')}`)
    const clock = { now: () => this.clock.now, after: this.clock.after.bind(this.clock) }
    return openGateway({ store: this.store, settings: this.#settings, report, access: this.#access, clock })
  }

  /** Another process on the same data. */
  async restart(path: string): Promise<void> {
    for (const session of [...this.gateway.sessions]) session.closed()
    await this.store.close()
    this.store = openSqliteStore({ path })
    this.gateway = this.#open()
  }

  dial(cookie: string | null = null): Line {
    const said: AnyFrame[] = []
    const unread = new Set<AnyFrame>()
    const waiting = new Set<() => void>()
    const socket = { end: null as Line['end'] }
    const session = openSession(
      this.gateway,
      {
        send: ({ lines }) => {
          for (const { text } of lines) {
            const frame = JSON.parse(text)
            said.push(frame)
            unread.add(frame)
          }
          for (const look of [...waiting]) look()
        },
        close: (code, reason) => {
          socket.end = { code, reason }
        },
        bufferedBytes: () => 0,
      },
      cookie,
    )
    const say = (frame: AnyFrame) => session.receive(JSON.stringify(frame))
    const next = (fields: AnyFrame) =>
      new Promise<AnyFrame>(resolve => {
        const look = () => {
          const found = [...unread].find(frame => matches(frame, fields))
          if (!found) return
          unread.delete(found)
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      })
    return Object.assign(socket, {
      session,
      said,
      say,
      next,
      ask: (frame: AnyFrame, fields: AnyFrame) => {
        say(frame)
        return next(fields)
      },
    })
  }

  /** A client that has greeted as `src` with the token of a principal, whose id is the src by default. */
  async greet(src: string, principal: Principal = { id: src }): Promise<Line> {
    const line = this.dial()
    await line.ask({ ...hello(src), token: tokenOf(principal) }, { a: 'hs', id: src })
    return line
  }

  /** Lets everything that was begun come to its end. */
  async quiet(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await setImmediate()
      await this.gateway.backend.idle()
    }
  }

  /** Moves the clock by `ms`, with what happens on the way. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now + ms
    let reached = false
    this.clock.after(ms, () => {
      reached = true
    })
    while (!reached) {
      this.clock.step()
      await this.quiet()
    }
    this.clock.now = end
  }

  async close(): Promise<void> {
    for (const session of [...this.gateway.sessions]) session.closed()
    await this.store.close()
  }
}

const matches = (frame: AnyFrame, fields: AnyFrame) =>
  Object.entries(fields).every(([name, value]) => frame[name] === value)
