/**
 * Where a Redis is, as one line:
 *
 *   redis://[USER:PASSWORD@]HOST[:6379][/DB]                            one server
 *   redis+sentinel://[USER:PASSWORD@]HOST[:26379],HOST…/NAME[?db=DB]    the master that sentinels know by NAME
 *   redis+cluster://[USER:PASSWORD@]HOST[:6379],HOST…                   some nodes of a cluster
 *
 * `rediss` in the place of `redis` speaks TLS. User and password are those of the servers, percent-encoded.
 */

export interface Node {
  readonly host: string
  readonly port: number
}

export type RedisAddress = {
  readonly nodes: readonly [Node, ...Node[]]
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
} & (
  | { readonly kind: 'single'; readonly db: number }
  | { readonly kind: 'sentinel'; readonly name: string; readonly db: number }
  | { readonly kind: 'cluster' }
)

const FORM = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?db=(\d+))?$/
const HOST = /^(\[[\da-f:]+\]|[\w.-]+)(?::(\d{1,5}))?$/i

/** Null for what is no address. */
export function redisAddress(text: string): RedisAddress | null {
  const [, scheme, kind = 'single', login, hosts, path = '', query = '0'] = FORM.exec(text) ?? []
  if (scheme === undefined) return null
  const [first, ...others] = hosts!.split(',').map(each => nodeOf(each, kind === 'sentinel' ? 26_379 : 6379))
  const credentials = loginOf(login)
  if (!first || !others.every(each => each !== null) || !credentials) return null
  const common = { nodes: [first, ...others] as const, tls: scheme === 'rediss', ...credentials }
  if (kind === 'sentinel') return path === '' ? null : { ...common, kind, name: path, db: Number(query) }
  if (kind === 'cluster') return path === '' && query === '0' ? { ...common, kind } : null
  const single = others.length === 0 && /^\d*$/.test(path) && query === '0'
  return single ? { ...common, kind: 'single', db: Number(path) } : null
}

function nodeOf(text: string, standard: number): Node | null {
  const [, host, port = String(standard)] = HOST.exec(text) ?? []
  return host !== undefined && Number(port) < 65_536
    ? { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
    : null
}

function loginOf(text: string | undefined): { username?: string; password?: string } | null {
  if (text === undefined) return {}
  const at = text.indexOf(':')
  try {
    const [username, password] =
      at < 0
        ? [decodeURIComponent(text), '']
        : [text.slice(0, at), text.slice(at + 1)].map(decodeURIComponent)
    return { ...(username && { username }), ...(password && { password }) }
  } catch {
    return null
  }
}
