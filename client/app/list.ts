/** The page that lists the documents and makes a new one. */

import { html, render, type TemplateResult } from 'lit/html.js'
import type { TypeName } from '../../types/type.ts'
import { sharedClient } from '../widget/clients.ts'
import { makeLossNote } from '../widget/loss.ts'
import { count } from '../widget/words.ts'
import { pathOf, titleOf } from './address.ts'
import type { Entry } from './entries.ts'
import { freshId } from './fresh.ts'
import { collection, loadShelf, type Shelf, server } from './shelf.ts'

export function showList(body: HTMLElement): void {
  let shelf: Shelf | null = null

  const create = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.target as HTMLFormElement)
    const id = freshId(String(form.get('title')))
    location.assign(pathOf({ collection, id, type: String(form.get('type')) as TypeName }))
  }
  const draw = () => render(template(shelf, create), body)
  const load = async () => {
    shelf = await loadShelf()
    draw()
  }

  draw()
  makeLossNote(body.querySelector('.loss')!, sharedClient(server))
  void load()
  addEventListener('online', () => void load())
  addEventListener('pageshow', event => event.persisted && void load())
}

const template = (shelf: Shelf | null, create: (event: SubmitEvent) => void) => html`
  <main class="list">
    <h1>Documents</h1>
    <div class="loss"></div>
    <form class="new" @submit=${create}>
      <input name="title" required maxlength="80" placeholder="Title of a new document" aria-label="Title" autocomplete="off" />
      <select name="type" aria-label="Kind">
        <option value="rich">Rich text</option>
        <option value="text">Plain text</option>
      </select>
      <button>Create</button>
    </form>
    <div role="status" aria-live="polite">
      ${shelf?.away ? html`<p class="away">${shelf.away} Documents on this device open all the same.</p>` : ''}
    </div>
    ${shelf === null ? html`<p class="quiet">Looking…</p>` : entries(shelf.entries)}
  </main>
`

const entries = (list: readonly Entry[]): TemplateResult =>
  list.length === 0
    ? html`<p class="quiet">Nothing here yet. Give a first document its title.</p>`
    : html`<ul class="docs">
        ${list.map(entry)}
      </ul>`

const entry = (doc: Entry) => html`<li>
  <a href=${pathOf(doc)}>
    <span class="title">${titleOf(doc.id)}</span>
    <span class="facts">${facts(doc)}</span>
  </a>
</li>`

function facts(doc: Entry): TemplateResult[] {
  const all = [html`<time datetime=${new Date(doc.at).toISOString()}>${ago(doc.at)}</time>`]
  if (doc.type !== 'rich') all.push(html`<span>${doc.type === 'text' ? 'plain text' : doc.type}</span>`)
  if (doc.here) all.push(html`<span>on this device</span>`)
  if (doc.unsent > 0)
    all.push(html`<span class="warn">${count(doc.unsent, 'edit')} not yet on the server</span>`)
  if (doc.held > 0) all.push(html`<span class="alarm">${count(doc.held, 'held edit')}</span>`)
  return all
}

const steps: readonly [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** "5 minutes ago" in the reader's language; the date when it was more than a week ago. */
function ago(at: number): string {
  const passed = Date.now() - at
  if (passed > 7 * 86_400_000) return new Date(at).toLocaleDateString()
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
  for (const [unit, ms] of steps) if (passed >= ms) return format.format(-Math.floor(passed / ms), unit)
  return 'just now'
}
