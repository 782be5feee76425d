/** A bug to plant at an edge of the program: the code under test stays as it is, and what it stands on misbehaves. */

import type { Dial } from '../../../client/link/link.ts'
import type { Log } from '../../../client/log/log.ts'
import type { Agreement, Platform } from '../../../client/platform.ts'
import type { Accept } from '../network.ts'

type RandomBytes = Platform['randomBytes']

/** Each member is asked once for each program, `accept` once for each world. */
export interface Bug {
  readonly log?: (log: Log) => Log
  readonly dial?: (dial: Dial) => Dial
  readonly agreement?: (agreement: Agreement) => Agreement
  readonly randomBytes?: (own: RandomBytes, device: string) => RandomBytes
  readonly accept?: (accept: Accept) => Accept
}
