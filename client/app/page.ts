/** The page: a list of documents at `/`, one document at `/d/COLLECTION/ID?type=…`. */

import { scriptAt } from '../trusted.ts'
import { defineEditor } from '../widget/element.ts'
import { addressOf } from './address.ts'
import { showDocument } from './document.ts'
import { showList } from './list.ts'

defineEditor()
const address = addressOf(location)
if (address) showDocument(document.body, address)
else showList(document.body)

// Once the page stands: installing fetches the shell a second time, which must not delay the first sight of it.
addEventListener('load', () => {
  navigator.serviceWorker
    ?.register(scriptAt('/sw.js'))
    .catch(reason => console.warn('holdfast: no service worker:', reason))
})
