/** Where a token comes from, and whose it is. It is never part of an address: those end up in logs and histories. */

import type { IncomingHttpHeaders } from 'node:http'
import { errors, HoldfastError } from '../../ops/errors.ts'
import { cookieValue } from '../browser.ts'
import type { Clock } from '../clock.ts'
import type { Limits } from '../limits.ts'
import type { Report } from '../report.ts'
import type { Settings } from '../settings.ts'
import type { Access, Principal } from './access.ts'
import { inTime } from './patience.ts'

interface Asking {
  readonly access: Access
  readonly clock: Clock
  readonly report: Report
}

/** Rejects with `TOKEN_MISSING`, `TOKEN_INVALID`, `TOKEN_EXPIRED`, or `ACCESS_UNAVAILABLE`. */
export async function identify({ access, clock, report }: Asking, token: string | null): Promise<Principal> {
  if (token === null) throw new HoldfastError('TOKEN_MISSING')
  const principal = await inTime(clock, report, access.authenticate(token))
  if (principal.expires !== undefined && principal.expires <= clock.now())
    throw new HoldfastError('TOKEN_EXPIRED')
  return principal
}

/**
 * The same for who comes new from an address. Rejects with `TOO_MANY`, without a look at the token, where too many from there were
 * refused; to bring none is no guess.
 */
export async function identifyNew(
  asking: Asking & { readonly limits: Limits },
  token: string | null,
  address: string,
): Promise<Principal> {
  const { limits } = asking
  if (token !== null && limits.isGuessing(address))
    throw new HoldfastError(
      'TOO_MANY',
      'More tokens were refused than HOLDFAST_REFUSED_TOKENS_PER_SECOND allows; ask again in a second.',
    )
  try {
    return await identify(asking, token)
  } catch (error) {
    const isRefused = error instanceof HoldfastError && errors[error.code].http === 401
    if (token !== null && isRefused) limits.refused(address)
    throw error
  }
}

type Cookies = Pick<Settings, 'COOKIE' | 'ORIGINS'>

/** Of a request over HTTP: `Authorization: Bearer`, else the cookie. */
export const tokenIn = (headers: IncomingHttpHeaders, settings: Cookies): string | null =>
  /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? tokenInCookie(headers, settings)

/**
 * A browser sends cookies along whatever page asks, so they count only where its headers say that the page is one of ours:
 * of this very host and port, or of an origin that is listed by name; `*` lists none.
 */
export function tokenInCookie(headers: IncomingHttpHeaders, settings: Cookies): string | null {
  const { COOKIE, ORIGINS } = settings
  if (COOKIE === '' || !isOurPage(headers, ORIGINS)) return null
  return cookieValue(headers.cookie, COOKIE)
}

function isOurPage({ origin, host, ...headers }: IncomingHttpHeaders, listed: readonly string[]): boolean {
  // A page that gets from its own origin sends none; scripts cannot forge this header.
  if (origin === undefined) return headers['sec-fetch-site'] === 'same-origin'
  return listed.includes(origin) || URL.parse(origin)?.host === host
}
