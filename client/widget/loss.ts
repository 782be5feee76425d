/** What the browser lost of this device, until a person has read it: in the editor's foot and above the list. */

import { html, render } from 'lit/html.js'
import type { Client } from '../api.ts'
import { lossWords } from './words.ts'

/** `host` must be empty; it is again when there is nothing to tell. */
export function makeLossNote(host: HTMLElement, client: Client): { close(): void } {
  const draw = () =>
    render(
      client.loss === null
        ? html``
        : html`<p role="alert">${lossWords(client.loss)}</p><button type="button" class="hf-choice" @click=${() => client.dismissLoss()}>I have read it</button>`,
      host,
    )
  draw()
  return { close: client.on('loss', draw) }
}
