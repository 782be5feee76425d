/** The status line: the truth for the eyes at once, and for the ears when it has settled. */

import { html, render } from 'lit/html.js'
import type { Truth } from '../api.ts'
import { type Words, wordsFor } from './words.ts'

/** A screen reader is told what has been true for so long (ms): it must not talk at every key. */
const settleMs = 1_000

export interface StatusLine {
  show(truth: Truth): void
  /** Something that went wrong just now, above the truth until the next change of it. */
  warn(message: string): void
  close(): void
}

export function makeStatusLine(host: HTMLElement): StatusLine {
  let said = ''
  let timer: ReturnType<typeof setTimeout> | null = null

  const draw = (words: Words) =>
    render(
      html`<p class="hf-line" data-tone=${words.tone}><span class="hf-dot" aria-hidden="true"></span>${words.line}</p>
        <p class="hf-said" role="status" aria-live="polite">${said}</p>`,
      host,
    )
  const show = (words: Words) => {
    draw(words)
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(() => {
      if (words.said) said = words.said
      draw(words)
    }, settleMs)
  }
  return {
    show: truth => show(wordsFor(truth)),
    warn: message => show({ tone: 'alarm', line: message, said: message }),
    close() {
      if (timer !== null) clearTimeout(timer)
      render(html``, host)
    },
  }
}
