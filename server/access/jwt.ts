/**
 * The policy of signed tokens: JSON Web Tokens (RFC 7519) of whoever signs people in, with a shared secret or with keys that
 * are published as a JWK Set (RFC 7517). A token says who (`sub`, `name`), until when (`exp`) and what (`grants.ts`).
 *
 * Law: a token counts only if it is signed by one of the algorithms that were chosen, for this audience, by this issuer.
 * The token's own header chooses nothing: `none`, or a public key taken for a secret, is refused (RFC 8725, 3.1).
 */

import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import { type Clock, processClock } from '../clock.ts'
import type { Access, Principal } from './access.ts'
import { allows, type Grant, grantList } from './grants.ts'

export interface JwtOptions {
  readonly key: { readonly secret: Uint8Array } | { readonly jwks: URL }
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly clock?: Clock
  /** Key sets are fetched anew for an unknown key, but not more often than this (ms). */
  readonly cooldownMs?: number
}

interface Bearer extends Principal {
  readonly grants: readonly Grant[]
}

const claims = v.object({
  sub: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  name: v.exactOptional(v.pipe(v.string(), v.maxLength(255))),
  exp: v.number(),
  holdfast: v.optional(grantList, []),
})

/** How long a key set may take to come. */
const FETCH_MS = 3000

export function jwtAccess(options: JwtOptions): Access {
  const { key, issuer, audience, algorithms, clock = processClock, cooldownMs = 10_000 } = options
  const verify = verifierOf(key, cooldownMs)
  return {
    async authenticate(token) {
      const checks = { issuer, audience, algorithms: [...algorithms], requiredClaims: ['sub', 'exp'] }
      const currentDate = new Date(clock.now())
      return bearerOf(await verify(token, { ...checks, currentDate }).catch(refuse))
    },
    access: (principal, action, collection, doc) =>
      allows((principal as Bearer).grants, action, collection, doc),
  }
}

type Checks = NonNullable<Parameters<typeof jwtVerify>[2]>

function verifierOf(key: JwtOptions['key'], cooldownMs: number) {
  if ('secret' in key)
    return async (token: string, checks: Checks) => (await jwtVerify(token, key.secret, checks)).payload
  const keys = createRemoteJWKSet(key.jwks, { cooldownDuration: cooldownMs, timeoutDuration: FETCH_MS })
  return async (token: string, checks: Checks) => (await jwtVerify(token, keys, checks)).payload
}

function bearerOf(payload: JWTPayload): Bearer {
  const { success, output } = v.safeParse(claims, payload)
  if (!success)
    throw new HoldfastError(
      'TOKEN_INVALID',
      'The claims of the token are not as they must be; see grants.ts.',
    )
  const { sub, name, exp, holdfast } = output
  return { id: sub, ...(name !== undefined && { name }), expires: exp * 1000, grants: holdfast }
}

/** Faults of the token; whatever else it is, the keys could not be had, which says nothing about the token. */
const faults: ReadonlySet<string> = new Set([
  errors.JWTClaimValidationFailed.code,
  errors.JWTInvalid.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
])

function refuse(error: unknown): never {
  const { code } = (error ?? {}) as { code?: string }
  if (code === errors.JWTExpired.code) throw new HoldfastError('TOKEN_EXPIRED')
  if (code !== undefined && faults.has(code)) throw new HoldfastError('TOKEN_INVALID')
  throw error
}
