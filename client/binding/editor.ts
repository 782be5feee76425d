/** Makes the Quill that Holdfast edits `rich` documents with: its modules, formats, toolbar and keys. */

import Module from 'quill/core/module.js'
import type { QuillOptions } from 'quill/core.js'
import Quill from 'quill/core.js'
import Blockquote from 'quill/formats/blockquote.js'
import Bold from 'quill/formats/bold.js'
import CodeBlock, { Code } from 'quill/formats/code.js'
import Header from 'quill/formats/header.js'
import Image from 'quill/formats/image.js'
import Italic from 'quill/formats/italic.js'
import Link from 'quill/formats/link.js'
import List from 'quill/formats/list.js'
import Strike from 'quill/formats/strike.js'
import Underline from 'quill/formats/underline.js'
import Toolbar from 'quill/modules/toolbar.js'
import Snow from 'quill/themes/snow.js'
import QuillCursors from 'quill-cursors/core'
import { built } from '../trusted.ts'
import { SafeClipboard } from './clipboard.ts'
import { Delta } from './delta.ts'
import { absoluteLink, formats, linkSchemes, strippedElements } from './formats.ts'

class SafeLink extends Link {
  static override PROTOCOL_WHITELIST = [...linkSchemes]
  /** What may not be a link leads nowhere. */
  static override sanitize(url: string): string {
    return absoluteLink(url) ?? Link.SANITIZED_URL
  }
}

/** Quill insists on a history and tells it where groups end; the document keeps its own (undo.ts). */
class NoHistory extends Module {
  clear(): void {}
  cutoff(): void {}
}

Quill.register(
  {
    'modules/clipboard': SafeClipboard,
    'modules/history': NoHistory,
    'modules/toolbar': Toolbar,
    'modules/cursors': QuillCursors,
    'themes/snow': Snow,
    'formats/blockquote': Blockquote,
    'formats/bold': Bold,
    'formats/code': Code,
    'formats/code-block': CodeBlock,
    'formats/header': Header,
    'formats/image': Image,
    'formats/italic': Italic,
    'formats/link': SafeLink,
    'formats/list': List,
    'formats/strike': Strike,
    'formats/underline': Underline,
  },
  true,
)

const toolbar = [
  [{ header: 1 }, { header: 2 }, { header: 3 }],
  ['bold', 'italic', 'underline', 'strike', 'code', 'link'],
  [{ list: 'ordered' }, { list: 'bullet' }],
  ['blockquote', 'code-block', 'clean'],
]

/** Tab belongs to whoever walks the page with the keyboard: the editor must not keep it (WCAG 2.1.2). */
const noTab = {
  tab: null,
  indent: null,
  outdent: null,
  'outdent backspace': null,
  'remove tab': null,
  'indent code-block': null,
  'outdent code-block': null,
}

const options: QuillOptions = {
  theme: 'snow',
  // An image that another program put in is shown; none can be put in here: it would be fetched from elsewhere.
  formats: [...formats, 'image'],
  placeholder: 'Write something…',
  modules: {
    toolbar,
    // By default it tells of a selection after each change of the text, and Quill closes the tooltip of a link at that.
    cursors: { hideDelayMs: 2000, transformOnTextChange: true, selectionChangeSource: null },
    keyboard: { bindings: noTab as never },
    clipboard: { matchers: [[strippedElements, () => new Delta()]] },
    uploader: { handler: () => {}, mimetypes: [] },
  },
}

/** Builds a Quill inside `host`, which it fills; `label` is what a screen reader calls the text field. */
export function makeEditor(host: HTMLElement, label: string): Quill {
  const place = host.appendChild(document.createElement('div'))
  const quill = built(() => new Quill(place, options))
  quill.root.setAttribute('role', 'textbox')
  quill.root.setAttribute('aria-multiline', 'true')
  quill.root.setAttribute('aria-label', label)
  nameControls(host)
  return quill
}

const names: Record<string, string> = {
  'ql-bold': 'Bold',
  'ql-italic': 'Italic',
  'ql-underline': 'Underline',
  'ql-strike': 'Strike through',
  'ql-code': 'Code',
  'ql-link': 'Link',
  'ql-header': 'Heading',
  'ql-list': 'list',
  'ql-blockquote': 'Quote',
  'ql-code-block': 'Code block',
  'ql-clean': 'Remove formats',
}

/** Quill labels its buttons "header: 1" and the like; people hear and see words instead. */
function nameControls(host: HTMLElement): void {
  host.querySelector('[role=toolbar]')?.setAttribute('aria-label', 'Tools')
  for (const button of host.querySelectorAll<HTMLButtonElement>('.ql-toolbar button')) {
    const kind = [...button.classList].find(name => name in names)
    const word = names[kind ?? ''] ?? ''
    const name =
      kind === 'ql-list'
        ? `${button.value === 'ordered' ? 'Numbered' : 'Bulleted'} ${word}`
        : `${word} ${button.value}`.trim()
    button.setAttribute('aria-label', name)
    button.title = name
  }
}
