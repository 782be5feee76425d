/**
 * What a browser gives its tabs to agree on one hub, on virtual time: Web Locks, which are freed however their holder
 * ends and which a frozen tab keeps, and broadcast channels, whose messages are copies and come in order, a little later.
 * Source: the Web Locks API; HTML, "Broadcasting to other browsing contexts".
 */

import type { Agreement, Channel, LockWish } from '../../client/platform.ts'
import type { Random } from '../random.ts'
import type { VirtualClock } from './clock.ts'
import type { Program } from './program.ts'

interface Request {
  readonly program: Program
  readonly name: string
  readonly shared: boolean
  readonly held: () => Promise<unknown>
  readonly signal: AbortSignal | undefined
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export interface Exchange {
  messages: number
  steals: number
}

/** One for each device. */
export class Commons {
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #exchange: Exchange
  readonly #held: Request[] = []
  #waiting: Request[] = []
  readonly #ends = new Map<string, Set<End>>()

  constructor(clock: VirtualClock, random: Random, exchange: Exchange) {
    this.#clock = clock
    this.#random = random
    this.#exchange = exchange
  }

  /** As one program of the device has it. */
  for(program: Program): Agreement {
    program.onEnd(() => this.#ended(program))
    return {
      lock: (name, wish, held) => this.#lock(program, name, wish, held),
      channel: <Message>(name: string) => this.#join(program, name) as Channel<Message>,
    }
  }

  // ---- locks ----

  #lock(program: Program, name: string, wish: LockWish, held: Request['held']): Promise<void> {
    return new Promise((resolve, reject) => {
      const { signal, steal } = wish
      if (!program.alive) return
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      const request = { program, name, shared: wish.mode === 'shared', held, signal, resolve, reject }
      if (steal) {
        this.#exchange.steals++
        for (const other of this.#held.filter(other => other.name === name)) this.#rob(other)
        this.#waiting.unshift(request)
      } else this.#waiting.push(request)
      signal?.addEventListener('abort', () => this.#giveUp(request), { once: true })
      this.#grant()
    })
  }

  #giveUp(request: Request): void {
    if (!this.#waiting.includes(request)) return
    this.#waiting = this.#waiting.filter(other => other !== request)
    request.reject(request.signal?.reason)
    this.#grant()
  }

  /** A program that thaws may hear of other things first. */
  #rob(request: Request): void {
    this.#held.splice(this.#held.indexOf(request), 1)
    const { program, reject } = request
    const late = this.#random.next() * 100
    program.after(this.#lag(), () => program.after(late, () => reject(new Error('the lock was stolen'))))
  }

  /** Each name has its own line; who cannot have it yet keeps those behind it waiting. */
  #grant(): void {
    const blocked = new Set<string>()
    for (const request of [...this.#waiting]) {
      const { name } = request
      const holders = this.#held.filter(other => other.name === name)
      const free = holders.length === 0 || (request.shared && holders.every(other => other.shared))
      if (!free) blocked.add(name)
      if (blocked.has(name)) continue
      this.#waiting.splice(this.#waiting.indexOf(request), 1)
      this.#held.push(request)
      request.program.after(this.#lag(), () => this.#granted(request))
    }
  }

  #granted(request: Request): void {
    if (!this.#held.includes(request)) return
    const { signal, held, resolve, reject } = request
    if (signal?.aborted) {
      this.#release(request)
      reject(signal.reason)
      return
    }
    held().then(
      () => {
        this.#release(request)
        resolve()
      },
      reason => {
        this.#release(request)
        reject(reason)
      },
    )
  }

  #release(request: Request): void {
    const at = this.#held.indexOf(request)
    if (at < 0 || !request.program.alive) return
    this.#held.splice(at, 1)
    this.#grant()
  }

  #ended(program: Program): void {
    for (const request of this.#held.filter(other => other.program === program))
      this.#held.splice(this.#held.indexOf(request), 1)
    this.#waiting = this.#waiting.filter(other => other.program !== program)
    for (const ends of this.#ends.values())
      for (const end of ends) if (end.program === program) ends.delete(end)
    this.#grant()
  }

  // ---- channels ----

  #join(program: Program, name: string): End {
    const ends = this.#ends.get(name) ?? new Set<End>()
    this.#ends.set(name, ends)
    const end: End = new End(program, message => this.#post(end, ends, message))
    end.onClose = () => ends.delete(end)
    if (program.alive) ends.add(end)
    return end
  }

  #post(from: End, ends: Set<End>, message: unknown): void {
    for (const end of ends) {
      if (end === from) continue
      this.#exchange.messages++
      const at = Math.max(end.last.get(from) ?? 0, this.#clock.now + this.#lag())
      end.last.set(from, at)
      const copy = structuredClone(message)
      end.program.after(at - this.#clock.now, () => end.hear(copy))
    }
  }

  #lag(): number {
    return this.#random.next() * (this.#random.chance(0.05) ? 80 : 3)
  }
}

class End implements Channel<unknown> {
  readonly program: Program
  /** When the last message of each other end arrives. */
  readonly last = new WeakMap<End, number>()
  onClose: () => void = () => {}
  readonly #send: (message: unknown) => void
  readonly #early: unknown[] = []
  #listener: ((message: unknown) => void) | null = null
  #closed = false

  constructor(program: Program, send: (message: unknown) => void) {
    this.program = program
    this.#send = send
  }

  post(message: unknown): void {
    if (!this.#closed && this.program.alive) this.#send(message)
  }

  listen(listener: (message: unknown) => void): void {
    this.#listener = listener
    for (const message of this.#early.splice(0)) listener(message)
  }

  close(): void {
    this.#closed = true
    this.onClose()
  }

  hear(message: unknown): void {
    if (this.#closed) return
    if (this.#listener) this.#listener(message)
    else this.#early.push(message)
  }
}
