/**
 * The seal of an op: what tells the same op, sent again, from another one under its name.
 *
 * An op that is sent again may have been rebased meanwhile, so its content alone cannot tell. Our client names a hash of
 * the op as it was when it got its name, and sends that every time. A client that names none (ShareDB's own) gets
 * `v:hash` of what it first sent: against what it sends on another base that says nothing, and then it is believed, as
 * ShareDB believes it.
 */

import { hash } from 'node:crypto'

const DERIVED = /^\d+:/

/** The seal of an op that came without one: `body` is its change as JSON text, `v` the version that it was made on. */
export const derivedSeal = (v: number | null | undefined, body: string): string =>
  `${v ?? 0}:${hash('sha256', body, 'hex').slice(0, 32)}`

/**
 * Whether two seals can be those of one op: equal, or made on other bases, or one of them by a client from before it named
 * seals, or from before its seals were longer (it may have been brought up to date before it sent the op again).
 */
export const mayBeSame = (a: string | null, b: string | null): boolean =>
  a === null || b === null || a.startsWith(b) || b.startsWith(a) || baseOf(a) !== baseOf(b)

/** Whether a client has named it: then it tells the client something, too. */
export const isNamed = (seal: string | null): seal is string => seal !== null && baseOf(seal) === undefined

/** The base that a derived seal names; undefined for one that a client named. */
const baseOf = (seal: string): string | undefined => DERIVED.exec(seal)?.[0]
