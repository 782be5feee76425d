/** Where a server is dialed. Pure. */

import { HoldfastError } from '../../ops/errors.ts'

/** The WebSocket address of a server named by any of its URLs. Throws `SETTING_INVALID`. */
export function socketUrl(server: string): string {
  const url = URL.canParse(server) ? new URL(server) : null
  if (!url || !/^(https?|wss?):$/.test(url.protocol)) {
    throw new HoldfastError('SETTING_INVALID', `server: "${server}" is not an http, https, ws or wss URL.`)
  }
  url.protocol = url.protocol.replace('http', 'ws')
  if (url.pathname === '/' || url.pathname === '') url.pathname = '/ws'
  return url.href
}
