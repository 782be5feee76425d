/**
 * Who may do what: the two questions that the server puts to a policy. Ready-made ones are in `jwt.ts` and `callback.ts`;
 * an app that embeds the server may bring its own. Without a policy the server is open: it asks nobody, and all may do all.
 *
 *   read     see a document as it is and was, follow it, hear and announce who is there
 *   write    create and edit it; who may write may read
 *   manage   delete it, trim its history, go back to a version; who may manage may read
 *
 * Law: what a policy does not allow is denied. What it fails to answer may nobody for now: that is told as `ACCESS_UNAVAILABLE`, and
 * asked again.
 */

export const actions = ['read', 'write', 'manage'] as const
export type Action = (typeof actions)[number]

/** Somebody as a policy knows them; it may keep more in it, for its own use. */
export interface Principal {
  /** Who it is, for ever; what somebody writes is kept under it. */
  readonly id: string
  /** What others see beside a cursor. */
  readonly name?: string
  /** When the token runs out, ms since 1970; missing: never. */
  readonly expires?: number
}

export interface Access {
  /** Whose token it is. Rejects with `TOKEN_INVALID` or `TOKEN_EXPIRED`; with anything else where it cannot tell for now. */
  authenticate(token: string): Promise<Principal>
  /** `doc` null: every document of the collection, those to come included. May be asked the same often. Rejects where it cannot tell for now. */
  access(
    principal: Principal,
    action: Action,
    collection: string,
    doc: string | null,
  ): boolean | Promise<boolean>
  /** Once, at the start: `changed` has the rights in open sessions asked again at once, of one principal or of all. */
  watch?(changed: (principal?: string) => void): void
}
