/** One request to a receiver: where it may lead, how long it may take. Redirects are not followed. */

import { lookup } from 'node:dns'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'

const PATIENCE_MS = 10_000

/** Addresses of this machine and of private networks (RFC 1918, 4193, 3927, 6598), and what maps to them. */
const privates = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  privates.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  privates.addSubnet(net, bits, 'ipv6')

/** IPv4 within IPv6 (::ffff:127.0.0.1) is found by BlockList itself. */
export const isPrivate = (address: string): boolean =>
  privates.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/** Looked at where the name is resolved for the connection, so that it cannot resolve otherwise meanwhile. */
const publicOnly: LookupFunction = (name, options, done) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    const bad = found?.find(({ address }) => isPrivate(address))
    if (error || bad || !found?.[0]) done(error ?? new Error('a private address'), '', 4)
    else if (options.all) done(null, found)
    else done(null, found[0].address, found[0].family)
  })
}

export interface Posting {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly network: 'any' | 'public'
  readonly signal: AbortSignal
}

/** Resolves with the status. Rejects where there was none in time, or where it may not lead there. */
export function post({ url, headers, body, network, signal }: Posting): Promise<number> {
  const { protocol, hostname } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (network === 'public' && isIP(host) !== 0 && isPrivate(host))
    return Promise.reject(new Error('a private address'))
  return new Promise((resolve, reject) => {
    const within = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
    const request = (protocol === 'https:' ? requestTls : requestPlain)(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      signal: within,
      ...(network === 'public' && { lookup: publicOnly }),
    })
    request.on('error', reject)
    request.on('response', response => {
      // What it says does not matter, nor when it ends.
      response.on('error', () => {})
      response.destroy()
      resolve(response.statusCode!)
    })
    request.end(body)
  })
}
