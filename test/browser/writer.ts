/** A person at a page of ours in real Chromium: types tokens, looks at what the page says, and waits for it. */

import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'

const PATIENCE_MS = 15_000

export interface Told {
  readonly status: string
  readonly unsent: number
  readonly saved: boolean
  readonly settled: boolean
  readonly held: number
}

export class Writer {
  readonly page: Page
  #typed = 0
  readonly #name: string

  constructor(page: Page, name: string) {
    this.page = page
    this.#name = name
  }

  async open(address: string): Promise<this> {
    await this.page.goto(address)
    await this.ready()
    return this
  }

  /** The editor is there and can be typed into. */
  async ready(): Promise<void> {
    await this.page.waitForSelector('holdfast-editor .ql-editor[contenteditable=true]', {
      timeout: PATIENCE_MS,
    })
  }

  /** Types `count` words of its own at the end (or the start) of the document; answers them. */
  async type(count: number, delay = 0, at: 'End' | 'Home' = 'End'): Promise<string[]> {
    const words = Array.from({ length: count }, () => `${this.#name}${++this.#typed}`)
    await this.page.click('holdfast-editor .ql-editor')
    await this.page.keyboard.press(`Control+${at}`)
    await this.page.keyboard.type(words.map(word => `${word} `).join(''), { delay })
    return words
  }

  text(): Promise<string> {
    // biome-ignore lint/performance/useDomNodeTextContent: lines are told apart as a person sees them
    return this.page.locator('holdfast-editor .ql-editor').innerText()
  }

  async words(): Promise<string[]> {
    return (await this.text()).split(/\s+/).filter(Boolean)
  }

  told(): Promise<Told> {
    return this.page.locator('holdfast-editor').evaluate(editor => ({
      status: editor.getAttribute('status')!,
      unsent: Number(editor.getAttribute('unsent')),
      saved: editor.getAttribute('saved') === 'true',
      settled: editor.getAttribute('settled') === 'true',
      held: Number(editor.getAttribute('held')),
    }))
  }

  /** Waits until the element has these attributes. */
  async until(attributes: Partial<Record<keyof Told, string>>): Promise<void> {
    const selector = Object.entries(attributes).map(([name, value]) => `[${name}="${value}"]`)
    await this.page.waitForSelector(`holdfast-editor${selector.join('')}`, { timeout: PATIENCE_MS })
  }

  /** Waits until the page shows every one of these words. */
  async sees(words: readonly string[]): Promise<void> {
    await this.page.waitForFunction(
      expected => {
        // biome-ignore lint/performance/useDomNodeTextContent: as above
        const shown = (document.querySelector('holdfast-editor .ql-editor') as HTMLElement).innerText.split(
          /\s+/,
        )
        return expected.every(word => shown.includes(word))
      },
      [...words],
      { timeout: PATIENCE_MS },
    )
  }

  /** The service worker has the shell, so that the page opens with no network. */
  async sheltered(): Promise<void> {
    await this.page.evaluate(() => navigator.serviceWorker.ready.then(() => true))
  }
}

/** Each of `words` stands in `text` once and nothing else does. */
export function exactly(actual: readonly string[], words: readonly string[]): void {
  assert.deepEqual([...actual].sort(), [...words].sort())
}
