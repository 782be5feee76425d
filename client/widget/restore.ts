/** What a person is asked when the server went back to an older state of the document. */

import { html, render } from 'lit/html.js'
import type { Doc } from '../api.ts'

export interface RestorePanel {
  show(): void
  close(): void
}

export function makeRestorePanel(host: HTMLElement, doc: Doc): RestorePanel {
  let busy = false
  const decide = async (keep: 'mine' | 'theirs') => {
    busy = true
    show()
    await doc.restore(keep).catch(() => {}) // closed meanwhile
    busy = false
    show()
  }
  const show = () =>
    render(
      doc.truth.wentBack
        ? html`<section class="hf-panel" aria-label="Older document on the server" role="alert">
            <h3>The server has an older version of this document</h3>
            <p>It was probably restored from a backup. Nothing was overwritten: what you see here is on this device only.</p>
            <div class="hf-buttons">
              <button type="button" class="hf-choice" ?disabled=${busy} @click=${() => decide('mine')}>
                Put this version on the server
              </button>
              <button type="button" class="hf-choice" ?disabled=${busy} @click=${() => decide('theirs')}>
                Take the server’s version
              </button>
            </div>
          </section>`
        : html``,
      host,
    )
  return { show, close: () => render(html``, host) }
}
