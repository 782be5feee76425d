/** Who is at the other end of a request, as far as the network tells: an address to limit by, and an id to find it by. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Settings } from './settings.ts'

export interface Peer {
  readonly address: string
  /** Of this request: the proxy's `X-Request-Id`, or one of ours. */
  readonly id: string
  /** A page's origin in one browser, where that is known; see browser.ts. */
  readonly browser?: string | null
}

export const nobody = (): Peer => ({ address: '', id: randomUUID() })

export function peerOf(request: IncomingMessage, { PROXIES }: Pick<Settings, 'PROXIES'>): Peer {
  const { headers, socket } = request
  const given = PROXIES > 0 ? String(headers['x-request-id'] ?? '') : ''
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
  // Each proxy adds the address that it saw, so that of the client is as far from the end as there are proxies of ours.
  const seen = PROXIES > 0 ? forwarded.at(-PROXIES)?.trim() : ''
  return {
    address: network(seen || (socket.remoteAddress ?? '')),
    id: /^[\w.-]{8,64}$/.test(given) ? given : randomUUID(),
  }
}

/** Whoever has an IPv6 address has 2^64 of them: they count as one. */
export function network(address: string): string {
  if (!address.includes(':')) return address
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length)
  const [head = '', tail = ''] = address.split('::')
  const [before, after] = [head.split(':').filter(Boolean), tail.split(':').filter(Boolean)]
  const zeros = address.includes('::') ? Array<string>(8 - before.length - after.length).fill('0') : []
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::`
}
