/** The page of one document: the editor, and who else is here. */

import { html, render } from 'lit/html.js'
import { colorOf, nameLength, type Presence } from '../binding/index.ts'
import { type Address, titleOf } from './address.ts'
import { keepName, myName } from './person.ts'

export function showDocument(body: HTMLElement, address: Address): void {
  let name = myName()
  let people: readonly Presence[] = []
  const title = titleOf(address.id)
  document.title = `${title} · Holdfast`

  const rename = (event: Event) => {
    name = keepName((event.target as HTMLInputElement).value)
    draw()
  }
  const meet = (event: CustomEvent<readonly Presence[]>) => {
    people = event.detail
    draw()
  }

  const face = (presence: { name: string; color: string }) =>
    html`<li class="face" .style=${`--face: ${presence.color}`} title=${presence.name}>
      <span aria-hidden="true">${initials(presence.name)}</span><span class="hidden">${presence.name}</span>
    </li>`

  const draw = () =>
    render(
      html`<header class="bar">
          <a class="home" href="/" aria-label="All documents">←</a>
          <h1 title=${`${address.collection}/${address.id}`}>${title}</h1>
          <ul class="faces" aria-label="Also here">
            ${people.map(face)}
          </ul>
          <label class="me">
            <span class="hidden">Your name</span>
            <span class="face small" .style=${`--face: ${colorOf(name)}`} aria-hidden="true">${initials(name)}</span>
            <input .value=${name} maxlength=${nameLength} autocomplete="nickname" spellcheck="false" @change=${rename} />
          </label>
        </header>
        <main class="paper">
          <holdfast-editor
            collection=${address.collection}
            doc=${address.id}
            type=${address.type}
            server="/"
            person=${name}
            @holdfast-people=${meet}
          ></holdfast-editor>
        </main>`,
      body,
    )
  draw()
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean)
  return words
    .slice(0, 2)
    .map(word => [...word][0]?.toUpperCase())
    .join('')
}
