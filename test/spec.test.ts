/** SPEC.md and the tests say the same: no rule without a test, no test of a rule that is not written down. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'

const here = import.meta.dirname
const read = (file: string) => readFileSync(`${here}/${file}`, 'utf8')

/** The ids at the beginning of a string literal: one in brackets, or several with a space between. */
const TITLE = /['"`]((?:\[[A-Z]{1,3}\d+\] ?)+)/g
const ID = /[A-Z]{1,3}\d+/g

const ruleIds = Array.from(read('SPEC.md').matchAll(/^- \[([A-Z]{1,3}\d+)\] \S/gm), ([, id]) => id!)

function quotedIds(): string[] {
  const files = globSync('**/*.ts', { cwd: here, exclude: ['**/node_modules'] })
  const titles = files.flatMap(file => Array.from(read(file).matchAll(TITLE), ([, ids]) => ids!))
  return titles.flatMap(ids => ids.match(ID)!)
}

describe('SPEC.md', () => {
  it('[X9] gives each rule an id of its own', () => {
    assert.ok(ruleIds.length > 0)
    assert.deepEqual(duplicates(ruleIds), [])
  })

  it('[X9] has every rule quoted by the title of a test', () => {
    assert.deepEqual(missing(ruleIds, quotedIds()), [])
  })

  it('[X9] knows every rule that the title of a test quotes', () => {
    assert.deepEqual(missing(quotedIds(), ruleIds), [])
  })
})

const missing = (wanted: readonly string[], present: readonly string[]) =>
  [...new Set(wanted)].filter(id => !present.includes(id)).sort()

const duplicates = (ids: readonly string[]) => ids.filter((id, i) => ids.indexOf(id) !== i)
