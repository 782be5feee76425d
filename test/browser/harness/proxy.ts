/**
 * The network between browsers and a server, in the hands of a test: a line with faults, then a relay that knows frames.
 *
 *   browser -> line (pass | blackhole | refuse, cut, delay) -> relay (frames: drop, double, watch) -> server
 *
 * @example
 * const proxy = await startProxy(server)
 * await page.goto(proxy.origin)
 * proxy.mode = 'blackhole'                                    // offline, and nobody is told
 * proxy.mode = 'pass'
 * const lost = proxy.swallow(({ from, json }) => from === 'server' && json?.a === 'op' && !('op' in json))
 * await lost                                                  // an ack was kept from the browser
 */

import { type Fate, type Frame, type Hook, openRelay } from './frames.ts'
import { type Mode, openLine } from './line.ts'

export type { Fate, Frame, Hook, Mode }

type Match = (frame: Frame) => boolean

export interface FaultProxy {
  /** `http://127.0.0.1:PORT`; WebSockets go to the same port. */
  readonly origin: string
  readonly port: number
  /** Settable at any time; see `Mode`. */
  mode: Mode
  delayMs: number
  bytesPerSecond: number
  /** Number of connections from browsers that are open now. */
  readonly connections: number
  /** Resets all connections; new ones meet the mode. */
  cut(): void
  /** Decides on every WebSocket frame, until the function that it returns is called. */
  intercept(hook: Hook): () => void
  /** Resolves with the next frame that matches, which passes on. */
  next(match: Match): Promise<Frame>
  /** Drops the next frame that matches, and resolves with it when that has happened. */
  swallow(match: Match): Promise<Frame>
  close(): Promise<void>
}

/** Starts a proxy in front of the server on `target.port` of this machine; it may be stopped and started meanwhile. */
export async function startProxy(target: { readonly port: number }): Promise<FaultProxy> {
  const relay = await openRelay(target)
  const line = await openLine(relay)
  const once = (match: Match, fate: Fate) =>
    new Promise<Frame>(resolve => {
      const end = relay.intercept(frame => {
        if (!match(frame)) return 'pass'
        end()
        resolve(frame)
        return fate
      })
    })
  return {
    origin: `http://127.0.0.1:${line.port}`,
    port: line.port,
    get mode() {
      return line.mode
    },
    set mode(mode) {
      line.mode = mode
    },
    get delayMs() {
      return line.delayMs
    },
    set delayMs(ms) {
      line.delayMs = ms
    },
    get bytesPerSecond() {
      return line.bytesPerSecond
    },
    set bytesPerSecond(rate) {
      line.bytesPerSecond = rate
    },
    get connections() {
      return line.connections
    },
    cut: line.cut,
    intercept: relay.intercept,
    next: match => once(match, 'pass'),
    swallow: match => once(match, 'drop'),
    async close() {
      await line.close()
      await relay.close()
    },
  }
}
