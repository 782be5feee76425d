/** The list of held edits: why each was not taken, what stands in it, and what a person can do with it. */

import { html, render } from 'lit/html.js'
import { nameText } from '../../ops/identity.ts'
import type { Doc, HeldEdit } from '../api.ts'
import { pathOf, titleOf } from '../app/address.ts'
import { freshId } from '../app/fresh.ts'
import { complaintOf } from './target.ts'
import { count } from './words.ts'

/** Characters; the whole is copied out. */
const previewLength = 200

/** The table of errors speaks to developers and operators; these happen to people. */
const plainWords: Partial<Record<string, string>> = {
  DOCUMENT_TOO_LARGE: 'With this edit the document would be larger than the server allows.',
  FRAME_TOO_LARGE: 'This edit is larger than the server takes at once; copy it out and paste it in parts.',
  DOCUMENT_DELETED: 'Somebody deleted the document. Save the edit as a new document, or copy it out.',
  OP_ATTRIBUTE: 'The edit has a format, a link or a picture that the server does not allow.',
  OP_MISFIT: 'The edit does not fit what the document has become.',
}

export interface HeldPanel {
  show(): void
  close(): void
}

/** `home` is the server's address, without a slash at the end: its pages show every document. */
export function makeHeldPanel(host: HTMLElement, doc: Doc, home: string): HeldPanel {
  /** The edit whose discarding waits for a second click. */
  let doubted: string | null = null
  let copied: string | null = null
  /** The edit that is being saved as a document, and what came of the last one. */
  let saving: string | null = null
  let news: Saved | Unsaved | null = null

  const copy = async (edit: HeldEdit) => {
    await copyOut(edit.text || JSON.stringify(edit.original))
    copied = nameText(edit.name)
    show()
  }
  const saveAs = async (edit: HeldEdit) => {
    saving = nameText(edit.name)
    show()
    try {
      const id = await doc.saveAs(edit.name, freshId(`${titleOf(doc.id)} rescued`))
      news = { id, href: `${home}${pathOf({ collection: doc.collection, id, type: edit.type })}` }
    } catch (fault) {
      news = { fault: `It could not be saved as a document: ${complaintOf(fault).message}` }
    }
    saving = null
    show()
    host.querySelector<HTMLElement>('.hf-news a, .hf-news button')?.focus()
  }
  const dismiss = () => {
    news = null
    show()
    host.querySelector<HTMLElement>('h3')?.focus()
  }
  const doubt = (edit: HeldEdit | null) => {
    doubted = edit && nameText(edit.name)
    show()
    host.querySelector<HTMLElement>(edit ? '[data-sure]' : 'h3')?.focus()
  }
  const settle = (decide: () => void) => {
    doubted = null
    decide()
    show()
    host.querySelector<HTMLElement>('h3')?.focus()
  }

  const buttons = (edit: HeldEdit) =>
    doubted === nameText(edit.name)
      ? html`<span>Discard this edit for good?</span>
          <button type="button" data-sure class="hf-choice hf-danger" @click=${() => settle(() => doc.discard(edit.name))}>Discard</button>
          <button type="button" class="hf-choice" @click=${() => doubt(null)}>Keep</button>`
      : html`<button type="button" class="hf-choice" @click=${() => copy(edit)}>${copied === nameText(edit.name) ? 'Copied' : 'Copy out'}</button>
          <button type="button" class="hf-choice" ?disabled=${'del' in edit.original || saving !== null} @click=${() => saveAs(edit)}>${saving === nameText(edit.name) ? 'Saving…' : 'Save as new document'}</button>
          <button type="button" class="hf-choice" ?disabled=${edit.change === null} @click=${() => settle(() => doc.retry(edit.name))}>Try again</button>
          <button type="button" class="hf-choice" @click=${() => doubt(edit)}>Discard…</button>`

  const item = (edit: HeldEdit, at: number) => html`<li aria-label=${`Held edit ${at + 1}`}>
    <p class="hf-reason">${reasonOf(edit)}</p>
    <p class="hf-preview">${previewOf(edit)}</p>
    <div class="hf-buttons">${buttons(edit)}</div>
  </li>`

  const report = (what: Saved | Unsaved) => html`<p class="hf-news" role="status">
      <span>${'fault' in what ? what.fault : html`Saved as <a href=${what.href} target="_blank" rel="noopener">${titleOf(what.id)}</a>, on this device and soon on the server.`}</span>
      <button type="button" class="hf-choice" @click=${dismiss}>OK</button>
    </p>`

  const list = () => html`<h3 tabindex="-1">${count(doc.held.length, 'edit')} the server did not take</h3>
    <p>${doc.held.length === 1 ? 'It is' : 'They are'} kept on this device until you decide.</p>
    <ol>${doc.held.map(item)}</ol>`

  const show = () =>
    render(
      doc.held.length === 0 && news === null
        ? html``
        : html`<section class=${doc.held.length === 0 ? 'hf-panel hf-calm' : 'hf-panel'} aria-label="Held edits">
            ${news && report(news)} ${doc.held.length > 0 ? list() : ''}
          </section>`,
      host,
    )
  return { show, close: () => render(html``, host) }
}

/** Where a held edit was saved. */
interface Saved {
  readonly id: string
  readonly href: string
}
/** Why it was not. */
interface Unsaved {
  readonly fault: string
}

const reasonOf = ({ reason }: HeldEdit): string =>
  `${plainWords[reason.code] ?? reason.message} (${reason.code})`

function previewOf({ text, original }: HeldEdit): string {
  if ('del' in original) return 'Deletes the document.'
  if (text.trim() === '') return 'Changes or removes text; adds none.'
  return text.length > previewLength ? `${text.slice(0, previewLength)}…` : text
}

/** The clipboard needs a secure page; elsewhere the text is downloaded as a file. */
async function copyOut(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
    link.download = 'held-edit.txt'
    link.click()
    URL.revokeObjectURL(link.href)
  }
}
