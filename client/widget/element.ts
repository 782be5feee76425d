/**
 * <holdfast-editor collection doc type server person>: an editor of one document that any page can hold.
 *
 * It tells the truth in attributes, so that a page can style and test on them: `status`, `unsent`, `saved`,
 * `settled`, `held`, and `error` with a code when there is one. Events: `holdfast-status` (detail: the `Truth`),
 * `holdfast-change` (detail: `{local}`), `holdfast-people` (detail: who else is here).
 *
 * It draws into itself, not into a shadow root: Quill reads the selection from the document, and a browser hides the
 * one inside a shadow root from it.
 */

import type { Doc, Truth } from '../api.ts'
import { colorOf, nameLength, type Person } from '../binding/index.ts'
import { randomName } from './names.ts'
import { type Session, startSession } from './session.ts'
import { adoptStyle } from './style.ts'
import { type Complaint, complaintOf, type Target, targetOf } from './target.ts'

/** Where this script came from: the server that an element without `server` talks to. */
const home = (document.currentScript as HTMLScriptElement | null)?.src || location.href
const truthAttributes = ['status', 'unsent', 'saved', 'settled', 'held', 'error']
const guest = randomName()

export class HoldfastEditor extends HTMLElement {
  static readonly observedAttributes = ['collection', 'doc', 'type', 'server', 'person']
  #session: Session | null = null
  #document: Doc | null = null
  /** The target that is shown, as text; null while none is. */
  #shown: string | null = null
  #queued = false

  /** The open document; null until it is open. */
  get document(): Doc | null {
    return this.#document
  }

  connectedCallback(): void {
    this.#queue()
  }
  disconnectedCallback(): void {
    this.#queue()
  }
  attributeChangedCallback(name: string): void {
    if (name === 'person') this.#session?.rename(this.#person())
    else this.#queue()
  }

  /** An element that moves is taken out and put in again, and attributes come one by one: look once all is done. */
  #queue(): void {
    if (this.#queued) return
    this.#queued = true
    queueMicrotask(() => {
      this.#queued = false
      this.#follow()
    })
  }

  #follow(): void {
    const target = this.isConnected ? targetOf(this, new URL('/', home).href) : null
    const wanted = target && JSON.stringify(target)
    if (wanted === this.#shown) return
    this.#clear()
    this.#shown = wanted
    if (target === null) return
    adoptStyle(this)
    if ('code' in target) this.#complain(target)
    else this.#start(target)
  }

  #start(target: Target): void {
    this.setAttribute('status', 'connecting')
    this.#session = startSession(target, this, this.#person(), {
      opened: doc => {
        this.#document = doc
      },
      failed: fault => this.#complain(complaintOf(fault)),
      truth: truth => this.#reflect(truth),
      changed: local => this.#tell('holdfast-change', { local }),
      people: people => this.#tell('holdfast-people', people),
    })
  }

  #reflect(truth: Truth): void {
    for (const name of ['status', 'unsent', 'saved', 'settled', 'held'] as const) {
      this.setAttribute(name, String(truth[name]))
    }
    if (truth.error) this.setAttribute('error', truth.error.code)
    else this.removeAttribute('error')
    this.#tell('holdfast-status', truth)
  }

  #complain({ code, message }: Complaint): void {
    const note = document.createElement('p')
    note.className = 'hf-complaint'
    note.setAttribute('role', 'alert')
    note.textContent = `${message} (${code})`
    this.replaceChildren(note)
    this.removeAttribute('status')
    this.setAttribute('error', code)
  }

  #clear(): void {
    this.#session?.close()
    this.#session = null
    this.#document = null
    this.replaceChildren()
    for (const name of truthAttributes) this.removeAttribute(name)
  }

  #person(): Person {
    const name = this.getAttribute('person')?.trim().slice(0, nameLength) || guest
    return { name, color: colorOf(name) }
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true }))
  }
}

/** Makes `<holdfast-editor>` known to the page; a page may load the script twice. */
export function defineEditor(): void {
  if (!customElements.get('holdfast-editor')) customElements.define('holdfast-editor', HoldfastEditor)
}
