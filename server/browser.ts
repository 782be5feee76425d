/**
 * A cookie that tells one browser from another, and says nothing else: it lets nobody in. It is the browser's only trace of
 * itself that no script wrote, so it is there still where a browser has removed what scripts keep (as Safari does after
 * seven days without a visit); see devices.ts.
 */

import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Settings } from './settings.ts'

const YEAR_S = 365 * 86_400
const FORM = /^[0-9a-f]{32}$/

type Named = Pick<Settings, 'BROWSER_COOKIE'>

/**
 * A page's origin in one browser; null for what is no browser, and for one that brings no cookie, the first time or ever: of
 * it nothing can be found again.
 */
export function browserIn({ origin, cookie }: IncomingHttpHeaders, settings: Named): string | null {
  const id = idIn(cookie, settings)
  return origin === undefined || id === null ? null : `${id} ${origin}`
}

/** `Set-Cookie` of the answer to a browser: the id that it has, for another year, or a new one. */
export function cookieFor({ origin, cookie }: IncomingHttpHeaders, settings: Named): string | null {
  if (settings.BROWSER_COOKIE === '' || origin === undefined) return null
  const id = idIn(cookie, settings) ?? randomBytes(16).toString('hex')
  // In a frame of another site a cookie is kept only so, and apart for each such site, like all that scripts keep there.
  const reach = origin.startsWith('https:') ? 'SameSite=None; Secure; Partitioned' : 'SameSite=Lax'
  return `${settings.BROWSER_COOKIE}=${id}; Path=/ws; HttpOnly; Max-Age=${YEAR_S}; ${reach}`
}

function idIn(header: string | undefined, { BROWSER_COOKIE }: Named): string | null {
  if (BROWSER_COOKIE === '') return null
  const id = cookieValue(header, BROWSER_COOKIE)
  return id !== null && FORM.test(id) ? id : null
}

/** The value of a cookie in a `Cookie` header; null if it is not there, or empty. */
export function cookieValue(header: string | undefined, wanted: string): string | null {
  for (const pair of header?.split(';') ?? []) {
    const [name, ...value] = pair.split('=')
    if (name!.trim() === wanted) return value.join('=').trim() || null
  }
  return null
}
