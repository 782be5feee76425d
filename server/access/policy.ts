/** The policy that the settings choose. */

import { HoldfastError } from '../../ops/errors.ts'
import type { Report } from '../report.ts'
import { secretOf } from '../secrets.ts'
import type { Settings } from '../settings.ts'
import type { Access } from './access.ts'
import { callbackAccess } from './callback.ts'
import { jwtAccess } from './jwt.ts'

/** What a hash of 256 bits is worth; RFC 7518, 3.2. */
const SECRET_BYTES = 32

/** Null: the server is open. Throws SETTING_INVALID for settings that do not go together. */
export function policyOf(settings: Settings, report: Report): Access | null {
  switch (settings.ACCESS) {
    case 'open':
      return null
    case 'jwt':
      return jwtAccess(jwtOptions(settings))
    case 'callback':
      if (settings.ACCESS_URL === '') throw wrong('callback needs HOLDFAST_ACCESS_URL')
      return callbackAccess({ url: settings.ACCESS_URL, cacheMs: settings.ACCESS_CACHE_MS, report })
  }
}

export const OPEN_WARNING =
  'ACCESS IS OPEN: whoever reaches this server may read, change and delete everything. ' +
  'That is for development only; set HOLDFAST_ACCESS.'

function jwtOptions(settings: Settings) {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_ALGORITHMS, JWKS_URL } = settings
  if (issuer === '' || audience === '') throw wrong('jwt needs HOLDFAST_JWT_ISSUER and HOLDFAST_JWT_AUDIENCE')
  const secret = bytesOf(secretOf('JWT_SECRET', settings))
  if ((secret === null) === (JWKS_URL === ''))
    throw wrong(
      'jwt needs either a secret (HOLDFAST_JWT_SECRET or HOLDFAST_JWT_SECRET_FILE) or HOLDFAST_JWKS_URL',
    )
  const algorithms =
    JWT_ALGORITHMS.length > 0 ? JWT_ALGORITHMS : secret ? ['HS256'] : ['RS256', 'ES256', 'EdDSA']
  // With both kinds, a public key could be taken for a secret.
  if (algorithms.some(name => name.startsWith('HS') !== (secret !== null)))
    throw wrong('HOLDFAST_JWT_ALGORITHMS must be HS… with a secret, and others with HOLDFAST_JWKS_URL')
  return { key: secret ? { secret } : { jwks: new URL(JWKS_URL) }, issuer, audience, algorithms }
}

/** Null: none was given. */
function bytesOf(text: string): Uint8Array | null {
  if (text === '') return null
  const secret = new TextEncoder().encode(text)
  if (secret.length < SECRET_BYTES)
    throw wrong(`the secret of tokens must have ${SECRET_BYTES} bytes or more`)
  return secret
}

const wrong = (why: string): HoldfastError => new HoldfastError('SETTING_INVALID', `HOLDFAST_ACCESS: ${why}.`)
