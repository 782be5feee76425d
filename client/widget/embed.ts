/** `/embed.js`: the one script that a page loads to use <holdfast-editor>. */

import { defineEditor } from './element.ts'

defineEditor()
