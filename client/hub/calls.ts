/** How tabs and hub find each other: the names of their locks and channels, and what is said where all can hear it. */

export type Call =
  | { readonly t: 'who'; readonly tab: string; readonly call: number; readonly version: number }
  /** A hub is there; said to all when it begins, and to a tab as the answer to its `call`. */
  | { readonly t: 'here'; readonly hub: string; readonly version: number; readonly to?: Callee }
  /** It will be soon. */
  | { readonly t: 'opening' }

/** Each call of a tab has a number: the answer to an old one may come from a hub that was frozen since. */
export interface Callee {
  readonly tab: string
  readonly call: number
}

export const hubLock = (name: string) => `holdfast:hub:${name}`
export const tabLock = (name: string, tab: string) => `holdfast:tab:${name}:${tab}`
export const callChannel = (name: string) => `holdfast:call:${name}`
export const lineChannel = (name: string, hub: string, tab: string) => `holdfast:line:${name}:${hub}:${tab}`
