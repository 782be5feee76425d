/** The checker of the chaos tests finds each thing that must not be, in evidence that is made up. */

import assert from 'node:assert/strict'
import type { StoredOp } from '../../server/store/store.ts'
import { text } from '../../types/index.ts'
import { tokenOf } from '../sim/edits.ts'
import { check, type Evidence } from './checker.ts'
import type { Entry } from './ledger.ts'

const entry = (more: Partial<Entry> = {}): Entry => ({
  by: 'ann',
  device: 'd',
  saved: true,
  acked: true,
  settled: true,
  ruined: false,
  ...more,
})
const create: StoredOp = { v: 0, src: 'a', seq: 1, at: 0, create: { type: text.uri, data: '' } }
const entries = (...all: Entry[]) => new Map(all.entries())
/** Each puts its token in front. */
const op = (v: number, token: number, src = 'a'): StoredOp => ({
  v,
  src,
  seq: v + 1,
  at: 0,
  op: [tokenOf(token)],
})
const shown = (...tokens: number[]) => tokens.map(tokenOf).join('')
const page = (data: string, held: number[] = []) => ({ name: 'ann', exists: true, data, held })

const good: Evidence = {
  entries: entries(entry(), entry()),
  ops: [create, op(1, 0), op(2, 1)],
  snapshot: { type: text.uri, data: shown(1, 0) },
  pages: [page(shown(1, 0))],
  told: new Map(),
}
const one: Partial<Evidence> = {
  ops: [create, op(1, 0)],
  snapshot: { type: text.uri, data: shown(0) },
  pages: [page(shown(0))],
}

const faults: readonly (readonly [what: string, invariant: string, evidence: Partial<Evidence>])[] = [
  [
    'an acked token that is not in the log',
    'I1',
    { ...one, entries: entries(entry(), entry({ saved: false })) },
  ],
  [
    'a token that is in the log twice',
    'I1',
    {
      ops: [create, op(1, 0), op(2, 0)],
      snapshot: { type: text.uri, data: shown(0, 0) },
      pages: [page(shown(0, 0))],
    },
  ],
  ['a name that is in the log twice', 'I1', { ops: [create, op(1, 0), { ...op(2, 1), seq: 2 }] }],
  ['a saved token that is nowhere', 'I2', { ...one, entries: entries(entry(), entry({ acked: false })) }],
  ['a token that is in the log and held', 'I2', { pages: [page(shown(1, 0), [1])] }],
  ['a page that shows something else', 'I3', { pages: [page(shown(0, 1))] }],
  ['a snapshot that its ops do not make', 'I3', { snapshot: { type: text.uri, data: shown(0, 1) } }],
  ['a page that does not know of the document', 'I3', { pages: [{ ...page(''), exists: false }] }],
  [
    'edits of a page in another order',
    'I4',
    {
      ops: [create, op(1, 1), op(2, 0)],
      snapshot: { type: text.uri, data: shown(0, 1) },
      pages: [page(shown(0, 1))],
    },
  ],
  ['a gap in the versions', 'I5', { ops: [create, op(1, 0), op(3, 1)] }],
  ['a token that nobody wrote', 'I6', { entries: entries(entry()) }],
  [
    'a hub that writes after the next one',
    'E1',
    {
      entries: entries(entry(), entry(), entry()),
      ops: [create, op(1, 0, 'a'), op(2, 1, 'b'), op(3, 2, 'a')],
      snapshot: { type: text.uri, data: shown(2, 1, 0) },
      pages: [page(shown(2, 1, 0))],
    },
  ],
  [
    'lost edits of which nobody was told',
    'I2',
    { ...one, entries: entries(entry(), entry({ acked: false, ruined: true })) },
  ],
  [
    'a loss that is told to be smaller than it is',
    'I2',
    {
      ...one,
      entries: entries(entry(), ...[1, 2].map(() => entry({ acked: false, ruined: true }))),
      told: new Map([['d', 1]]),
    },
  ],
  ['a false alarm', 'I2', { entries: entries(entry(), entry({ ruined: true })), told: new Map([['d', 1]]) }],
  [
    'a loss of more than there was',
    'I2',
    { ...one, entries: entries(entry(), entry({ acked: false, ruined: true })), told: new Map([['d', 3]]) },
  ],
  [
    'a run in which nothing was done',
    'I10',
    { entries: entries(), ...one, ops: [], snapshot: { type: null, data: null }, pages: [] },
  ],
]

describe('the checker of the chaos tests', () => {
  it('[J7] lets pass what is as it must be, and counts it', () => {
    const { tokens, saved, acked, held, lost, versions } = check(good)
    assert.deepEqual(
      { tokens, saved, acked, held, lost, versions },
      { tokens: 2, saved: 2, acked: 2, held: 0, lost: 0, versions: 3 },
    )
  })

  it('[J7] counts what went with a ruined database apart, and what was told of it', () => {
    const ruined = entry({ acked: false, ruined: true })
    const sum = check({ ...good, ...one, entries: entries(entry(), ruined), told: new Map([['d', 2]]) })
    assert.deepEqual([sum.lost, sum.told], [1, 2])
  })

  for (const [what, invariant, evidence] of faults) {
    it(`[J7] finds ${what} (${invariant})`, () => {
      assert.throws(() => check({ ...good, ...evidence }), new RegExp(`^Error: ${invariant}: `))
    })
  }
})
