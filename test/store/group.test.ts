/** Group commit by itself: what is written together. */

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { groupOf } from '../../server/store/group.ts'

describe('Group commit', () => {
  let written: string[][]
  const group = () =>
    groupOf(async (items: readonly string[]) => {
      written.push([...items])
      return items
    })

  beforeEach(() => {
    written = []
  })

  it('[S92] writes one edit alone at once, and takes along with several what comes while they gather', async () => {
    const { add, flush } = group()
    void add('a')
    await turn()
    assert.deepEqual(written, [['a']])
    void add('b')
    void add('c')
    await turn()
    void add('d')
    await turn()
    assert.deepEqual(written.length, 1)
    await turn()
    assert.deepEqual(written, [['a'], ['b', 'c', 'd']])
    await flush()
  })

  it('[S92] waits for a few turns only, however many come', async () => {
    const { add, flush } = group()
    void add('0')
    for (let i = 1; written.length === 0; i++) {
      void add(`${i}`)
      await turn()
    }
    assert.equal(written[0]!.length, 6)
    await flush()
  })
})
