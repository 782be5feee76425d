/**
 * Three server processes on one Postgres and one Redis, all of them real and the tests' own. Between a server and each of the
 * two is a line that can be cut; devices come in through a balancer of their own, which knows nothing of who lives.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import type { Grant } from '../../server/access/grants.ts'
import { type Line, openLine } from '../browser/harness/line.ts'
import { type ServerProcess, startServerProcess } from '../browser/harness/server.ts'
import { type Postgres, startPostgres } from '../harness/postgres.ts'
import { startRedis, type TestRedis } from '../harness/redis.ts'

const SERVERS = 3
const SECRET = 'a secret of the crash tests, long enough'

export interface Node {
  readonly server: ServerProcess
  /** Its lines to Redis and to Postgres. */
  readonly lines: Readonly<Record<'redis' | 'postgres', Line>>
}

export interface Cluster {
  readonly nodes: readonly Node[]
  readonly redis: TestRedis
  readonly postgres: Postgres
  /** The address of the database, past all lines. */
  readonly store: string
  /** A way in for a device: each connection goes to the next server, dead or alive. */
  balancer(first: number): Promise<Line>
  token(who: string, grants: readonly Grant[]): Promise<string>
  close(): Promise<void>
}

/** `settings` are for all three. */
export async function startCluster(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const web = mkdtempSync(join(tmpdir(), 'holdfast-cluster-'))
  // SIGKILL takes nothing that the kernel has, so its syncs can be spared.
  const [postgres, redis] = await Promise.all([startPostgres({ fsync: 'off' }), startRedis()])
  const store = await postgres.createDatabase()
  const common = {
    HOLDFAST_WEB: web,
    HOLDFAST_LOG: 'warn',
    HOLDFAST_ACCESS: 'jwt',
    HOLDFAST_JWT_SECRET: SECRET,
    HOLDFAST_JWT_ISSUER: 'crash',
    HOLDFAST_JWT_AUDIENCE: 'crash',
    HOLDFAST_STORE_PATIENCE_MS: '4000',
    HOLDFAST_BUS_CHECK_MS: '1000',
    ...settings,
  }
  const startNode = async (): Promise<Node> => {
    const lines = { redis: await openLine(redis), postgres: await openLine(postgres) }
    const address = new URL(store)
    address.port = String(lines.postgres.port)
    const env = {
      ...common,
      HOLDFAST_STORE: address.href,
      HOLDFAST_REDIS: `redis://127.0.0.1:${lines.redis.port}`,
    }
    return { server: await startServerProcess({ env }), lines }
  }
  const nodes: Node[] = []
  const balancers: Line[] = []
  const close = async () => {
    await Promise.all(nodes.map(({ server }) => server.close()))
    const lines = nodes.flatMap(node => [node.lines.redis, node.lines.postgres])
    await Promise.all([...lines, ...balancers].map(line => line.close()))
    await Promise.all([redis.stop(), postgres.stop()])
    rmSync(web, { recursive: true })
  }
  try {
    for (let i = 0; i < SERVERS; i++) nodes.push(await startNode())
  } catch (error) {
    await close()
    throw error
  }
  return {
    nodes,
    redis,
    postgres,
    store,
    async balancer(first) {
      let next = first
      const target = {
        get port() {
          return nodes[next++ % nodes.length]!.server.port
        },
      }
      const line = await openLine(target)
      balancers.push(line)
      return line
    },
    token: (who, grants) =>
      new SignJWT({ holdfast: grants })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(who)
        .setIssuer('crash')
        .setAudience('crash')
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(SECRET)),
    close,
  }
}
