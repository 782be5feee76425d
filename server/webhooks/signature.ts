/**
 * How a receiver knows that a delivery is ours, and recent:
 *
 *   X-Holdfast-Timestamp   seconds since 1970, of this attempt
 *   X-Holdfast-Signature   sha256=HEX, the HMAC-SHA256 under the shared secret of `TIMESTAMP.BODY`
 */

import { createHmac, timingSafeEqual } from 'node:crypto'

export const signatureOf = (secret: string, timestamp: number, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`

/** In constant time. A receiver also refuses a timestamp that is some minutes away, and an id that it has seen. */
export function isSignedBy(secret: string, timestamp: number, body: string, signature: string): boolean {
  const [ours, theirs] = [signatureOf(secret, timestamp, body), signature].map(text => Buffer.from(text))
  return ours!.length === theirs!.length && timingSafeEqual(ours!, theirs!)
}
