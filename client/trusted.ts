/**
 * What stands between this program and the places where a browser would run a string, on pages that insist on Trusted Types
 * (`require-trusted-types-for 'script'`). Such a page must allow three policies: lit's own (`lit-html`), and
 *
 *   holdfast   scripts of ours by their addresses, and HTML that is parsed and never shown (what is pasted)
 *   default    for Quill, which knows nothing of Trusted Types: HTML of its own while it builds something, and text without
 *              markup at any time. A page that has a default policy already keeps it.
 *
 * Elsewhere all this does nothing.
 */

interface Rules {
  createHTML?(html: string): string | null
  createScriptURL?(url: string): string
}
interface Policy {
  createHTML(html: string): string
  createScriptURL(url: string): string
}
interface Factory {
  readonly defaultPolicy: Policy | null
  createPolicy(name: string, rules: Rules): Policy
}

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes
const made = new Map<string, Policy | null>()

/** Null where there are no Trusted Types, or where the page forbids this one: then it is the page that decides. */
function policy(name: string, rules: Rules): Policy | null {
  if (!factory) return null
  if (!made.has(name)) {
    try {
      made.set(name, factory.createPolicy(name, rules))
    } catch {
      made.set(name, null)
    }
  }
  return made.get(name)!
}

const SCRIPT = /^\/(sw|assets\/hub-\w+)\.js$/

const ours: Rules = {
  createHTML: html => html,
  createScriptURL(url) {
    if (!SCRIPT.test(url)) throw new TypeError(`${url} is no script of ours`)
    return url
  },
}

/** The address of a script of ours, as `Worker` and `register` take it. */
export const scriptAt = (path: string): string => policy('holdfast', ours)?.createScriptURL(path) ?? path

/** HTML as a document that is not shown and runs nothing. */
export const parsed = (html: string): Document =>
  new DOMParser().parseFromString(policy('holdfast', ours)?.createHTML(html) ?? html, 'text/html')

let building = 0

const constants: Rules = {
  createHTML: html => (building > 0 || !/[<&]/.test(html) ? html : null),
}

/** Lets a library build something of HTML of its own; nothing that anybody wrote may be in reach of `work`. */
export function built<T>(work: () => T): T {
  if (factory?.defaultPolicy === null) policy('default', constants)
  building++
  try {
    return work()
  } finally {
    building--
  }
}
