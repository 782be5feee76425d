/**
 * A server in a process of its own, so that its memory is its own: says where it is, and whenever it is asked how it is.
 * To be run with --expose-gc.
 */

import { OPEN_WARNING } from '../../../server/access/policy.ts'
import { startServer } from '../../../server/server.ts'
import { readSettings } from '../../../server/settings.ts'

/** How the server is. */
export interface Health {
  /** Bytes, after collecting. */
  readonly heap: number
  readonly external: number
  readonly rss: number
  readonly sessions: number
  /** What is not as it was at the start in what all objects have from birth; `Object.prototype.polluted`. */
  readonly changed: readonly string[]
  /** What the operator was told since the last time. */
  readonly reports: readonly string[]
}

const globals = {
  Object,
  Array,
  Function,
  String,
  Number,
  Boolean,
  RegExp,
  Date,
  Promise,
  Map,
  Set,
  Error,
  Buffer,
  JSON,
}
const watched: Record<string, object> = { ...globals }
for (const [name, { prototype }] of Object.entries(globals as Record<string, { prototype?: object }>))
  if (prototype) watched[`${name}.prototype`] = prototype

const born = new Map(
  Object.entries(watched).map(([name, each]) => [name, Object.getOwnPropertyDescriptors(each)]),
)

function changed(): string[] {
  return [...born].flatMap(([name, before]) => {
    const after = Object.getOwnPropertyDescriptors(watched[name])
    const keys = new Set([...Reflect.ownKeys(before), ...Reflect.ownKeys(after)])
    return [...keys]
      .filter(key => !isSame(before[key as never], after[key as never]))
      .map(key => `${name}.${String(key)}`)
  })
}

const parts = ['value', 'get', 'set', 'writable', 'enumerable', 'configurable'] as const
const isSame = (a: PropertyDescriptor | undefined, b: PropertyDescriptor | undefined) =>
  a !== undefined && b !== undefined && parts.every(part => Object.is(a[part], b[part]))

const reports: string[] = []
const report = (what: string, error?: unknown) => {
  if (what !== OPEN_WARNING) reports.push(`${what} ${String(error)}`)
}
const server = await startServer(readSettings(process.env), { report })

process.on('message', () => {
  gc!()
  const { heapUsed: heap, external, rss } = process.memoryUsage()
  const health: Health = {
    heap,
    external,
    rss,
    sessions: server.gateway.sessions.size,
    changed: changed(),
    reports: reports.splice(0),
  }
  process.send!(health)
})
process.on('disconnect', () => process.exit())
process.send!(server.url)
