/** Finds the hub for a tab, follows it when it moves, and has a silent one replaced. */

import type { Clock } from '../clock.ts'
import { type Call, callChannel, hubLock, lineChannel, tabLock } from '../hub/calls.ts'
import { HUB_PROTOCOL } from '../hub/messages.ts'
import type { Agreement, Channel } from '../platform.ts'
import type { HubPort, Tab } from './tab.ts'

export interface SeekerOptions {
  readonly agreement: Agreement
  readonly clock: Clock
  readonly name: string
  /** Sees to it that some hub will be there, if none is. */
  readonly launch: () => void
  /** Makes this tab the hub, whoever is. */
  readonly takeOver: () => void
  /** A tab of a newer version is here, whose hub does not understand this one. */
  readonly outdated: () => void
}

/** How often the hub is asked for a sign of life, and how long it may be silent. */
const PING_MS = 2_000
const SILENT_MS = 6_000

export class Seeker {
  readonly #options: SeekerOptions
  readonly #tab: Tab
  readonly #calls: Channel<Call>
  readonly #closing = new AbortController()
  #hub: string | null = null
  /** The last call, and whether it is still to be answered. */
  #call = 0
  #open = false
  #watching = new AbortController()
  #heard: number
  #ticked: number
  #cancelTick: () => void = () => {}

  constructor(options: SeekerOptions, tab: Tab) {
    const { agreement, clock, name } = options
    this.#options = options
    this.#tab = tab
    this.#heard = this.#ticked = clock.now()
    this.#calls = agreement.channel(callChannel(name))
    this.#calls.listen(call => this.#called(call))
    tab.onHeard = () => {
      this.#heard = clock.now()
    }
    tab.onGone = () => this.#seek()
    this.#live(() => {
      options.launch()
      this.#tick()
    })
  }

  close(): void {
    this.#closing.abort()
    this.#watching.abort()
    this.#cancelTick()
    this.#calls.close()
  }

  /** Holds the lock by which a hub knows that this tab lives; `begin` when it has it, or the hub would take it for dead. */
  #live(begin: () => void): void {
    const { agreement, name } = this.#options
    const until = new Promise<void>(resolve =>
      this.#closing.signal.addEventListener('abort', () => resolve()),
    )
    void agreement.lock(tabLock(name, this.#tab.id), {}, () => {
      if (!this.#closing.signal.aborted) begin()
      return until
    })
  }

  #ask(): void {
    this.#open = true
    this.#calls.post({ t: 'who', tab: this.#tab.id, call: ++this.#call, version: HUB_PROTOCOL })
  }

  #called(call: Call): void {
    if (call.t === 'opening') this.#heard = this.#options.clock.now()
    if (call.t !== 'here' || call.hub === this.#hub) return
    if (call.version > HUB_PROTOCOL) this.#options.outdated()
    else if (call.to === undefined) this.#ask()
    else if (this.#open && call.to.tab === this.#tab.id && call.to.call === this.#call) this.#meet(call.hub)
  }

  #meet(hub: string): void {
    const { agreement, clock, name } = this.#options
    this.#open = false
    this.#hub = hub
    this.#heard = clock.now()
    this.#tab.meet(agreement.channel(lineChannel(name, hub, this.#tab.id)) as unknown as HubPort)
    this.#watch(hub)
  }

  /** The lock is free: that hub is gone, and nobody waited for its place. */
  #watch(hub: string): void {
    const { agreement, name } = this.#options
    this.#watching.abort()
    this.#watching = new AbortController()
    agreement
      .lock(hubLock(name), { mode: 'shared', signal: this.#watching.signal }, async () => {})
      .then(
        () => this.#hub === hub && this.#seek(),
        () => {}, // a newer watch, or closed
      )
  }

  #seek(): void {
    if (this.#closing.signal.aborted) return
    this.#hub = null
    this.#tab.lose()
    this.#options.launch()
    this.#ask()
  }

  #tick(): void {
    const { clock } = this.#options
    const now = clock.now()
    // Whoever slept itself cannot tell who is silent.
    if (now - this.#ticked > 2 * PING_MS) this.#heard = now
    this.#ticked = now
    if (now - this.#heard > SILENT_MS) {
      this.#heard = now
      this.#options.takeOver()
    } else if (this.#hub === null) this.#ask()
    else this.#tab.ping()
    this.#cancelTick = clock.after(PING_MS + clock.random() * 500, () => this.#tick())
  }
}
