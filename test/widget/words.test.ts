/** What the pages say and how they name things, without a browser. */

import assert from 'node:assert/strict'
import { addressOf, idFor, pathOf, titleOf } from '../../client/app/address.ts'
import { merge } from '../../client/app/entries.ts'
import { nameLength, presenceOf } from '../../client/binding/people.ts'
import { lossWords, wordsFor } from '../../client/widget/words.ts'
import { nameFault } from '../../ops/names.ts'
import { calm } from './fake.ts'

describe('Words', () => {
  it('[B18] says all is on the server only when it is', () => {
    const statuses = ['offline', 'connecting', 'syncing', 'synced', 'held'] as const
    for (const status of statuses) {
      for (const unsent of [0, 3]) {
        for (const saved of [true, false]) {
          const { line } = wordsFor({ ...calm, status, unsent, saved, settled: unsent === 0 })
          assert.equal(
            /on the server$/.test(line) && !/not yet/.test(line),
            status === 'synced' && unsent === 0,
            line,
          )
          if (unsent > 0) assert.match(line, /3 edits not yet on the server/)
          if (unsent > 0) assert.match(line, saved ? /Saved on this device/ : /Saving on this device/)
        }
      }
    }
  })

  it('[B18] puts what threatens edits before everything else', () => {
    const error = { code: 'LOG_FAILED', message: 'the disk is full' } as const
    const failed = wordsFor({
      ...calm,
      status: 'offline',
      unsent: 1,
      saved: false,
      settled: false,
      held: 1,
      error,
    })
    assert.equal(failed.tone, 'alarm')
    assert.equal(
      failed.line,
      'Not saved on this device: the disk is full. Keep this page open until all is on the server · 1 edit not yet on the server',
    )
    const held = wordsFor({ ...calm, status: 'held', held: 2, settled: false })
    assert.equal(held.tone, 'alarm')
    assert.match(held.line, /^2 edits need your decision/)
    const behind = wordsFor({
      ...calm,
      status: 'offline',
      wentBack: true,
      error: { code: 'SERVER_BEHIND', message: 'Restored.' },
    })
    assert.equal(behind.tone, 'alarm')
    assert.match(behind.line, /^The server went back to an older version: decide/)
  })

  it('[Q9] says what to do when nothing is saved, and what was lost', () => {
    const taken = wordsFor({ ...calm, saved: false, error: { code: 'LOG_TAKEN', message: 'Taken.' } })
    assert.equal(taken.tone, 'alarm')
    assert.match(taken.line, /^Not saved on this device: another page .* reload this page/)
    const at = Date.UTC(2026, 0, 2)
    assert.match(
      lossWords({ edits: 3, at, reason: 'emptied' }),
      /^3 edits from this device were lost by the browser before they reached the server: it removed .*2026/,
    )
    assert.match(
      lossWords({ edits: 1, at, reason: 'incomplete' }),
      /^1 edit from this device was lost .* parts/,
    )
  })

  it('[B18] tells a screen reader nothing that changes with every key', () => {
    for (const status of ['offline', 'connecting', 'syncing'] as const) {
      const [one, many] = [1, 50].map(unsent => wordsFor({ ...calm, status, unsent, settled: false }).said)
      assert.equal(one, many)
    }
  })

  it('[B17] believes of a peer only what makes sense', () => {
    const nonsense = [null, 5, 'x', [], { name: 7, color: 'red;}', range: { index: -1, length: 0.5 } }]
    for (const state of nonsense) {
      const { name, color, range } = presenceOf({ id: 'a', state })
      assert.equal(name, 'Somebody')
      assert.match(color, /^#[0-9a-f]{6}$/)
      assert.equal(range, null)
    }
    const long = presenceOf({
      id: 'a',
      state: { name: 'x'.repeat(99), color: '#12AB00', range: { index: 3, length: 0 } },
    })
    assert.deepEqual(long, { name: 'x'.repeat(nameLength), color: '#12AB00', range: { index: 3, length: 0 } })
  })

  it('[A1] lists each document once, last used first, with what this device knows of it', () => {
    const listed = [
      { id: 'both', type: 'rich', at: 5 },
      { id: 'server', type: 'text', at: 9 },
      { id: 'odd', type: 'sheet', at: 9 },
    ]
    const known = [
      { collection: 'notes', id: 'both', type: 'rich', unsent: 2, held: 1, at: 7, kept: false },
      { collection: 'notes', id: 'here', type: 'rich', unsent: 0, held: 0, at: 1, kept: false },
      { collection: 'notes', id: 'untyped', type: null, unsent: 0, held: 0, at: 1, kept: false },
      { collection: 'other', id: 'elsewhere', type: 'rich', unsent: 0, held: 0, at: 1, kept: false },
    ]
    const entries = merge('notes', listed, known).map(({ id, at, here, unsent, held }) => ({
      id,
      at,
      here,
      unsent,
      held,
    }))
    assert.deepEqual(entries, [
      { id: 'server', at: 9, here: false, unsent: 0, held: 0 },
      { id: 'both', at: 7, here: true, unsent: 2, held: 1 },
      { id: 'here', at: 1, here: true, unsent: 0, held: 0 },
    ])
  })

  it('[A2] makes an id of any title that a server takes, and finds the title again', () => {
    const titles = ['Shopping list', '  ', '../../etc', '日本の旅', '__proto__', '😀', 'x'.repeat(500)]
    for (const title of titles) {
      const id = idFor(title, 'abc123xyz')
      assert.equal(nameFault(id), null, id)
      const { pathname, search } = new URL(
        pathOf({ collection: 'notes', id, type: 'text' }),
        'http://localhost',
      )
      assert.deepEqual(addressOf({ pathname, search }), { collection: 'notes', id, type: 'text' })
    }
    assert.equal(idFor('Shopping list!', 'abc123xyz'), 'shopping-list-abc123')
    assert.equal(titleOf('shopping-list-abc123'), 'Shopping list')
    assert.equal(titleOf('README'), 'README')
    assert.equal(addressOf({ pathname: '/', search: '' }), null)
    assert.deepEqual(addressOf({ pathname: '/d/a/%E0%A4%A', search: '' }), {
      collection: 'a',
      id: '%E0%A4%A',
      type: 'rich',
    })
  })
})
