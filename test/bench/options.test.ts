import assert from 'node:assert/strict'
import { readOptions } from './options.ts'

describe('the arguments of a benchmark', () => {
  const cases = [
    { name: 'small', size: 1 },
    { name: 'large', size: 9 },
  ]
  const systems = [{ name: 'ours' }, { name: 'theirs' }]
  const read = (...args: string[]) => readOptions(args, { cases, systems, quick: ({ size }) => size < 5 })
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).join()

  it('[N8] none: every case and every system, five rounds', () => {
    const options = read()
    assert.deepEqual(
      [names(options.cases), names(options.systems), options.rounds],
      ['small,large', 'ours,theirs', 5],
    )
  })

  it('[N8] choose cases and systems by name, several of each', () => {
    assert.equal(names(read('--case', 'large').cases), 'large')
    assert.equal(names(read('--system', 'theirs', '--system', 'ours').systems), 'ours,theirs')
  })

  it('[N8] --quick: one round of the quick cases, unless cases are named', () => {
    const quick = read('--quick', '--rounds', '7')
    assert.deepEqual([names(quick.cases), quick.rounds], ['small', 1])
    assert.equal(names(read('--quick', '--case', 'large').cases), 'large')
  })

  it('[N8] that ask for what there is not are refused, with what there is', () => {
    assert.throws(() => read('--case', 'huge'), /--case huge: there are small, large/)
    assert.throws(() => read('--system', 'x'), /--system x: there are ours, theirs/)
    for (const rounds of ['0', '-1', '1.5', 'many'])
      assert.throws(() => read(`--rounds=${rounds}`), /whole number/)
    assert.throws(() => read('--sizes'), /Unknown option/)
  })
})
