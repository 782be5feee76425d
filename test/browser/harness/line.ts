/**
 * A network line with faults: it listens on a port and passes bytes to a target, as well or as badly as it is told.
 * It works below HTTP and WebSocket, so both meet the same faults, and so does every heartbeat.
 */

import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'

/**
 *   pass       bytes flow, `delayMs` late
 *   blackhole  connections stay open and new ones are accepted, but nothing flows; what was sent meanwhile arrives
 *              when the line passes again, as TCP would resend it
 *   refuse     connections are reset, new ones at once, as if nobody listened
 */
export type Mode = 'pass' | 'blackhole' | 'refuse'

export interface Line {
  readonly port: number
  mode: Mode
  /** How late each piece of data arrives, in each direction, in ms. */
  delayMs: number
  /** How fast bytes pass in each direction of a connection; Infinity by default. */
  bytesPerSecond: number
  /** Number of connections that are open now. */
  readonly connections: number
  /** Resets all open connections, and drops what is under way; new ones meet the mode. */
  cut(): void
  close(): Promise<void>
}

/** Opens a line to `target`'s port on loopback, in mode `pass`; `port` 0 lets the system choose. */
export async function openLine(target: { readonly port: number }, port = 0): Promise<Line> {
  const gate = openGate()
  const pairs = new Set<readonly [Socket, Socket]>()
  let mode: Mode = 'pass'
  let delayMs = 0
  let bytesPerSecond = Number.POSITIVE_INFINITY

  const server = createServer({ allowHalfOpen: true }, near => {
    if (mode === 'refuse') return reset(near)
    const far = dial({ port: target.port, host: '127.0.0.1', allowHalfOpen: true })
    const pair = [near, far] as const
    pairs.add(pair)
    const passing = () => passage(gate, bytes => ({ delayMs, passingMs: (bytes / bytesPerSecond) * 1000 }))
    join(near, far, passing())
    join(far, near, passing())
    for (const socket of pair) socket.once('close', () => pairs.delete(pair))
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) reset(socket)
  }

  return {
    port: (server.address() as AddressInfo).port,
    get mode() {
      return mode
    },
    set mode(wanted) {
      mode = wanted
      gate.set(wanted !== 'blackhole')
      if (wanted === 'refuse') cut()
    },
    get delayMs() {
      return delayMs
    },
    set delayMs(ms) {
      delayMs = ms
    },
    get bytesPerSecond() {
      return bytesPerSecond
    },
    set bytesPerSecond(rate) {
      bytesPerSecond = rate
    },
    get connections() {
      return pairs.size
    },
    cut,
    close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      cut()
      return closed
    },
  }
}

/** Hands everything that `from` says to `to`, its end and its death included, each when the passage lets it. */
function join(from: Socket, to: Socket, pass: Pass): void {
  from.setNoDelay(true)
  from.on('data', bytes => pass(() => to.writable && to.write(bytes), bytes.length))
  from.once('end', () => pass(() => to.end()))
  from.once('error', () => {}) // 'close' follows, and is what the other side is told
  from.once('close', broken => pass(() => (broken ? reset(to) : to.end())))
}

/** libuv refuses to reset a socket that is shutting down, and then polls it for ever at full speed: that one is closed. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}

type Pass = (task: () => void, bytes?: number) => void

/**
 * One direction of a connection: tasks run in order, each when its bytes have passed behind those before it, `delayMs` after
 * that, and when the gate is open.
 */
function passage(gate: Gate, paceOf: (bytes: number) => { delayMs: number; passingMs: number }): Pass {
  let tail = Promise.resolve()
  let busyUntil = 0
  return (task, bytes = 0) => {
    const { delayMs, passingMs } = paceOf(bytes)
    busyUntil = Math.max(busyUntil, performance.now()) + passingMs
    const ms = busyUntil - performance.now() + delayMs
    // A timer drops what is less than a millisecond, and a line is never quicker than it was said to be.
    const due = ms > 0 ? new Promise<void>(resolve => setTimeout(resolve, Math.ceil(ms))) : null
    tail = tail
      .then(() => due)
      .then(() => gate.open())
      .then(task)
  }
}

interface Gate {
  /** Resolves at once, or when the gate is opened. */
  open(): Promise<void> | undefined
  set(open: boolean): void
}

function openGate(): Gate {
  let waiting: { promise: Promise<void>; resolve: () => void } | null = null
  return {
    open: () => waiting?.promise,
    set(open) {
      if (open) {
        waiting?.resolve()
        waiting = null
      } else waiting ??= Promise.withResolvers<void>()
    },
  }
}
