/** Tokens that count for nothing. The server takes RS256 and ES256 of the keys that the signer publishes. */

import { createHmac } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import { all, audience, claims, issuer, kid, type Signer } from './signer.ts'
import type { BadToken } from './table.ts'

const part = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const without = (name: string) =>
  Object.fromEntries(Object.entries(claims('eve')).filter(([n]) => n !== name))
const head = { alg: 'RS256', kid }

/** Claims that differ in these; a good one otherwise. */
const claiming = (more: object) => (signer: Signer) => signer.sign(claims('eve', more as never))
const headed = (header: object) => (signer: Signer) => signer.sign(claims('eve'), header)

/** By a symmetric key, whatever the header says. */
const hmac = (header: object, key: string) => {
  const text = `${part(header)}.${part(claims('eve'))}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

/** A good one whose parts somebody changed. */
const changed = (change: (parts: string[]) => string[]) => async (signer: Signer) =>
  change((await signer.good('eve')).split('.')).join('.')

/** Signed by a key that nobody knows, with whatever the header says of it. */
async function strange(header: (jwk: object) => object, alg = 'RS256'): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return new SignJWT(claims('eve')).setProtectedHeader({ alg, kid, ...header(jwk) }).sign(privateKey)
}

const now = () => Math.floor(Date.now() / 1000)

const forms: readonly BadToken[] = [
  { what: 'no token at all', make: () => 'hello', code: 'TOKEN_INVALID' },
  { what: 'only dots', make: () => '..', code: 'TOKEN_INVALID' },
  { what: 'a part missing', make: changed(([a, b]) => [a!, b!]), code: 'TOKEN_INVALID' },
  { what: 'a part more', make: changed(parts => [...parts, 'x']), code: 'TOKEN_INVALID' },
  { what: 'five parts, as if encrypted', make: () => 'a.b.c.d.e', code: 'TOKEN_INVALID' },
  {
    what: 'a header that is no JSON',
    make: changed(([, b, c]) => [part('{'), b!, c!]),
    code: 'TOKEN_INVALID',
  },
  { what: 'a header that is a list', make: changed(([, b, c]) => [part([]), b!, c!]), code: 'TOKEN_INVALID' },
  {
    what: 'a header that is null',
    make: changed(([, b, c]) => [part('null'), b!, c!]),
    code: 'TOKEN_INVALID',
  },
  { what: 'claims that are no base64', make: changed(([a, , c]) => [a!, '!!!', c!]), code: 'TOKEN_INVALID' },
  { what: 'fifteen thousand characters', make: () => 'x'.repeat(15_000), code: 'TOKEN_INVALID' },
  { what: 'seven thousand dots', make: () => '.'.repeat(7000), code: 'TOKEN_INVALID' },
  {
    what: 'claims that nest deep',
    make: signer => signer.sign(claims('eve', { holdfast: JSON.parse('['.repeat(3000) + ']'.repeat(3000)) })),
    code: 'TOKEN_INVALID',
  },
]

const signatures: readonly BadToken[] = [
  {
    what: 'alg none',
    make: () => new UnsecuredJWT(claims('eve')).encode(),
    code: 'TOKEN_INVALID',
  },
  { what: 'alg nOnE', make: () => `${part({ alg: 'nOnE' })}.${part(claims('eve'))}.`, code: 'TOKEN_INVALID' },
  { what: 'no alg', make: () => `${part({ kid })}.${part(claims('eve'))}.x`, code: 'TOKEN_INVALID' },
  { what: 'an alg that is a list', make: () => hmac({ alg: ['RS256'] }, 'x'), code: 'TOKEN_INVALID' },
  { what: 'an empty signature', make: changed(([a, b]) => [a!, b!, '']), code: 'TOKEN_INVALID' },
  {
    what: 'the signature of another',
    make: async signer => {
      const [a, b] = (await signer.good('eve')).split('.')
      return [a, b, (await signer.good('bob')).split('.')[2]].join('.')
    },
    code: 'TOKEN_INVALID',
  },
  {
    what: 'claims changed after signing',
    make: changed(([a, , c]) => [a!, part(claims('root')), c!]),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'HS256 by the public key as PEM',
    make: signer => hmac({ alg: 'HS256', kid }, signer.pem),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'HS256 by the public key as PEM, called RS256',
    make: signer => hmac(head, signer.pem),
    code: 'TOKEN_INVALID',
  },
  { what: 'HS256 by an empty key', make: () => hmac({ alg: 'HS256', kid }, ''), code: 'TOKEN_INVALID' },
  { what: 'PS256 by the right key', make: () => strange(() => ({}), 'PS256'), code: 'TOKEN_INVALID' },
  {
    what: 'ES256 under the kid of another kind',
    make: () => strange(() => ({}), 'ES256'),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'an algorithm that was not chosen',
    make: () => strange(() => ({}), 'ES512'),
    code: 'TOKEN_INVALID',
  },
  { what: 'a key that nobody knows', make: () => strange(() => ({})), code: 'TOKEN_INVALID' },
  { what: 'its own key in the header', make: () => strange(jwk => ({ jwk })), code: 'TOKEN_INVALID' },
  {
    what: 'the address of its own keys',
    make: () => strange(() => ({ jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/' })),
    code: 'TOKEN_INVALID',
  },
]

const headers: readonly BadToken[] = [
  { what: 'a kid that is not published', make: headed({ kid: 'key-2' }), code: 'TOKEN_INVALID' },
  {
    what: 'a kid that leads to a file',
    make: headed({ kid: '../../../../dev/null' }),
    code: 'TOKEN_INVALID',
  },
  { what: 'a kid that is SQL', make: headed({ kid: "' OR 1=1 --" }), code: 'TOKEN_INVALID' },
  { what: 'a kid that is __proto__', make: headed({ kid: '__proto__' }), code: 'TOKEN_INVALID' },
  { what: 'a kid that is a number', make: headed({ kid: 1 }), code: 'TOKEN_INVALID' },
  {
    what: 'a critical header that is not known',
    make: () => `${part({ ...head, crit: ['x'], x: 1 })}.${part(claims('eve'))}.x`,
    code: 'TOKEN_INVALID',
  },
  {
    what: 'claims that are not encoded (b64)',
    make: () => `${part({ ...head, crit: ['b64'], b64: false })}.${part(claims('eve'))}.x`,
    code: 'TOKEN_INVALID',
  },
]

const contents: readonly BadToken[] = [
  { what: 'another issuer', make: claiming({ iss: 'https://evil.example' }), code: 'TOKEN_INVALID' },
  {
    what: 'an issuer that begins like ours',
    make: claiming({ iss: `${issuer}.evil` }),
    code: 'TOKEN_INVALID',
  },
  { what: 'no issuer', make: signer => signer.sign(without('iss')), code: 'TOKEN_INVALID' },
  { what: 'another audience', make: claiming({ aud: 'mail' }), code: 'TOKEN_INVALID' },
  {
    what: 'audiences without ours',
    make: claiming({ aud: ['mail', `${audience}x`] }),
    code: 'TOKEN_INVALID',
  },
  { what: 'no audience', make: signer => signer.sign(without('aud')), code: 'TOKEN_INVALID' },
  { what: 'that has run out', make: claiming({ exp: now() - 60 }), code: 'TOKEN_EXPIRED' },
  { what: 'that ran out in 1970', make: claiming({ exp: 0 }), code: 'TOKEN_EXPIRED' },
  { what: 'that is not valid yet', make: claiming({ nbf: now() + 3600 }), code: 'TOKEN_INVALID' },
  { what: 'no end', make: signer => signer.sign(without('exp')), code: 'TOKEN_INVALID' },
  { what: 'an end in words', make: claiming({ exp: 'tomorrow' }), code: 'TOKEN_INVALID' },
  { what: 'an end that is true', make: claiming({ exp: true }), code: 'TOKEN_INVALID' },
  { what: 'a beginning in words', make: claiming({ nbf: 'now' }), code: 'TOKEN_INVALID' },
  { what: 'nobody', make: signer => signer.sign(without('sub')), code: 'TOKEN_INVALID' },
  { what: 'an empty name of somebody', make: claiming({ sub: '' }), code: 'TOKEN_INVALID' },
  { what: 'somebody who is a number', make: claiming({ sub: 7 }), code: 'TOKEN_INVALID' },
  { what: 'somebody of 256 characters', make: claiming({ sub: 's'.repeat(256) }), code: 'TOKEN_INVALID' },
  { what: 'a name that is an object', make: claiming({ name: { first: 'Eve' } }), code: 'TOKEN_INVALID' },
  { what: 'grants in words', make: claiming({ holdfast: 'all' }), code: 'TOKEN_INVALID' },
  { what: 'grants that are null', make: claiming({ holdfast: null }), code: 'TOKEN_INVALID' },
  {
    what: 'a grant of more than there is',
    make: claiming({ holdfast: [{ c: '*', d: '*', may: 'own' }] }),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'a grant by a list',
    make: claiming({ holdfast: [{ c: ['*'], d: '*', may: 'read' }] }),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'a grant of an empty name',
    make: claiming({ holdfast: [{ c: '', d: '*', may: 'read' }] }),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'a grant with a field more',
    make: claiming({ holdfast: [{ ...all[0], until: 1 }] }),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'a grant with __proto__',
    make: claiming({ holdfast: [JSON.parse('{"c":"a","d":"*","may":"read","__proto__":{"may":"manage"}}')] }),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'claims that stand in __proto__',
    make: signer => signer.sign(JSON.parse(`{"__proto__":${JSON.stringify(claims('eve'))}}`)),
    code: 'TOKEN_INVALID',
  },
  {
    what: 'claims that are a list',
    make: signer =>
      signer.sign(JSON.parse('{"0":1}')).then(token => {
        const [a, , c] = token.split('.')
        return [a, part([claims('eve')]), c].join('.')
      }),
    code: 'TOKEN_INVALID',
  },
]

export const tokens = [...forms, ...signatures, ...headers, ...contents]
