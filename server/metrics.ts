/**
 * The server's numbers for Prometheus, under GET /metrics. The hot paths count in plain numbers, which are read when somebody
 * asks: a counter of the library with a label costs more than making a frame.
 *
 * Names of documents and people are no labels: there is no end of them, and they are nobody's business.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type ErrorCode, HoldfastError } from '../ops/errors.ts'
import type { Meter } from './meter.ts'
import { secretOf } from './secrets.ts'
import type { Settings } from './settings.ts'

export interface Metrics {
  readonly meter: Meter
  /** Adds a number that is read when somebody asks; a counter only ever rises. Names begin with holdfast_. */
  read(kind: 'counter' | 'gauge', name: string, help: string, value: () => number): void
  /** Adds those of the process: memory, processor, lag of the event loop. Once in a process: it sets up timers. */
  process(): void
  /** In Prometheus's text format. */
  text(): Promise<string>
}

/** Seconds; a commit takes from a fraction of a millisecond (SQLite, normal) to seconds (a disk that is busy). */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function openMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counts = {
    opened: 0,
    closed: 0,
    frames: 0,
    bytes: 0,
    told: 0,
    toldBytes: 0,
    fanned: 0,
    ops: 0,
    shed: 0,
  }
  const refused = new Map<string, number>()
  const endings = new Map<string, number>()

  const read: Metrics['read'] = (kind, name, help, value) => {
    const options = { name, help, registers }
    if (kind === 'gauge') {
      const gauge: Gauge = new Gauge({ ...options, collect: () => gauge.set(value()) })
    } else {
      const counter: Counter = new Counter({ ...options, collect: () => renew(counter, [[{}, value()]]) })
    }
  }
  const byCode = (name: string, help: string, tally: ReadonlyMap<string, number>) => {
    const values = () => [...tally].map(([code, n]) => [{ code }, n] as const)
    const options = { name, help, registers, labelNames: ['code'] }
    const counter: Counter = new Counter({ ...options, collect: () => renew(counter, values()) })
  }
  const histogram = (name: string, help: string) => new Histogram({ name, help, buckets: BUCKETS, registers })

  read('gauge', 'holdfast_sessions', 'Connections that are open.', () => counts.opened - counts.closed)
  read('counter', 'holdfast_sessions_total', 'Connections since the start.', () => counts.opened)
  byCode(
    'holdfast_sessions_ended_total',
    'Connections that ended, by the code; CLIENT: the client went.',
    endings,
  )
  byCode('holdfast_refusals_total', 'Requests that were answered with an error, by its code.', refused)
  read('counter', 'holdfast_frames_heard_total', 'Frames of clients.', () => counts.frames)
  read('counter', 'holdfast_heard_bytes_total', 'Their bytes.', () => counts.bytes)
  read('counter', 'holdfast_frames_told_total', 'Frames to clients.', () => counts.told)
  read('counter', 'holdfast_told_bytes_total', 'Their bytes.', () => counts.toldBytes)
  read(
    'counter',
    'holdfast_fan_out_total',
    'Edits that were told to a reader who had not made them.',
    () => counts.fanned,
  )
  read('counter', 'holdfast_ops_total', 'Ops that were committed.', () => counts.ops)
  read('counter', 'holdfast_presence_shed_total', 'Presence dropped for want of memory.', () => counts.shed)
  const submits = histogram(
    'holdfast_submit_seconds',
    'From an op to its answer, waiting for its turn included.',
  )
  const commits = histogram('holdfast_commit_seconds', 'One transaction that made ops durable.')

  const add = (tally: Map<string, number>, key: string) => tally.set(key, (tally.get(key) ?? 0) + 1)
  const meter: Meter = {
    opened: () => void counts.opened++,
    closed(code) {
      counts.closed++
      add(endings, code ?? 'CLIENT')
    },
    heard(bytes) {
      counts.frames++
      counts.bytes += bytes
    },
    told(frames, bytes, ops) {
      counts.told += frames
      counts.toldBytes += bytes
      if (ops) counts.fanned += frames
    },
    refused: (code: ErrorCode) => void add(refused, code),
    submitted: ms => submits.observe(ms / 1000),
    committed(ms, ops) {
      commits.observe(ms / 1000)
      counts.ops += ops
    },
    shed: () => void counts.shed++,
  }
  return {
    meter,
    read,
    text: () => registry.metrics(),
    process: () => collectDefaultMetrics({ register: registry }),
  }
}

function renew(counter: Counter, values: readonly (readonly [Record<string, string>, number])[]): void {
  counter.reset()
  for (const [labels, value] of values) counter.inc(labels, value)
}

/**
 * Who may read them: whoever brings HOLDFAST_METRICS_TOKEN; without one, programs on this machine that do not pass on
 * somebody else's request.
 */
export function answerMetrics(metrics: Metrics, settings: Settings): RequestHandler {
  const token = secretOf('METRICS_TOKEN', settings)
  return async (request, response) => {
    if (token === '') {
      const { remoteAddress } = request.socket
      const near = /^(::1|(::ffff:)?127\.[\d.]+)$/.test(remoteAddress ?? '')
      if (
        !near ||
        request.headers['x-forwarded-for'] !== undefined ||
        request.headers.forwarded !== undefined
      )
        throw new HoldfastError('FORBIDDEN', 'Only this machine may read this; see HOLDFAST_METRICS_TOKEN.')
    } else {
      const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
      if (given === undefined) throw new HoldfastError('TOKEN_MISSING')
      if (!isSame(given, token)) throw new HoldfastError('TOKEN_INVALID')
    }
    response
      .set('Cache-Control', 'no-store')
      .type('text/plain; version=0.0.4')
      .send(await metrics.text())
  }
}

/** In a time that does not tell how much of it is right. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string) => createHash('sha256').update(text).digest()
