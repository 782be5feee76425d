/** Whoever signs people in, as the server under test believes: signs tokens, and publishes the key. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export const issuer = 'https://id.example'
export const audience = 'holdfast'
export const kid = 'key-1'

export interface Signer {
  /** Where its key is published. */
  readonly url: string
  readonly privateKey: CryptoKey
  /** The public key, as PEM. */
  readonly pem: string
  /** A token that may do everything. */
  good(sub: string): Promise<string>
  /** A token for these claims and no others, with whatever is put in its header. */
  sign(claims: JWTPayload, header?: object): Promise<string>
  close(): void
}

export const all = [{ c: '*', d: '*', may: 'manage' }]

/** Claims of a token that is taken; times in seconds. */
export const claims = (sub: string, more: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: audience,
  sub,
  exp: Math.floor(Date.now() / 1000) + 3600,
  holdfast: all,
  ...more,
})

export async function openSigner(): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256' }]
  const site = createServer((_request, response) => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  const sign = (payload: JWTPayload, header: object = {}) =>
    new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid, ...header }).sign(privateKey)
  return {
    url: `http://127.0.0.1:${(site.address() as AddressInfo).port}/`,
    privateKey,
    pem: await exportSPKI(publicKey),
    good: sub => sign(claims(sub)),
    sign,
    close: () => void site.close(),
  }
}
