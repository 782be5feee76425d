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

  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await turn()
  }
  const sizes = () => written.map(({ length }) => length)

  it('[S92] writes one edit after the other at once where each comes alone', async () => {
    const { add } = group()
    for (const name of ['a', 'b', 'c']) {
      void add(name)
      await turn()
    }
    assert.deepEqual(written, [['a'], ['b'], ['c']])
  })

  it('[S92] waits for as many as were written together last', async () => {
    const { add } = group()
    for (const name of ['a', 'b', 'c']) void add(name)
    await turn()
    for (const name of ['d', 'e']) {
      void add(name)
      await turns(30)
      assert.deepEqual(written, [['a', 'b', 'c']])
    }
    void add('f')
    await turns(2)
    assert.deepEqual(written, [
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ])
  })

  it('[S92] takes more along than were written together last', async () => {
    const { add } = group()
    void add('a')
    await turn()
    for (const name of ['b', 'c', 'd']) void add(name)
    await turn()
    assert.deepEqual(sizes(), [1, 3])
  })

  it('[S92] waits no longer when 64 turns have brought none, and expects fewer from then on', async () => {
    const { add } = group()
    for (const name of ['a', 'b', 'c']) void add(name)
    await turn()
    void add('d')
    await turns(63)
    assert.deepEqual(sizes(), [3])
    await turns(3)
    assert.deepEqual(sizes(), [3, 1])
    void add('e')
    await turn()
    assert.deepEqual(sizes(), [3, 1, 1])
  })

  it('[S92] waits 64 turns without an edit in all, however many edits trickle in between', async () => {
    const { add } = group()
    for (let i = 0; i < 10; i++) void add('a')
    await turn()
    for (let i = 0; i < 5; i++) {
      void add('b')
      await turns(20)
    }
    assert.deepEqual(sizes(), [10, 4])
  })

  it('[S92] writes what gathers at once where it is asked to', async () => {
    const { add, flush } = group()
    for (const name of ['a', 'b', 'c']) void add(name)
    await turn()
    void add('d')
    await flush()
    assert.deepEqual(written, [['a', 'b', 'c'], ['d']])
  })
})
