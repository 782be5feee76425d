import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isDeeperThan } from '../../ops/depth.ts'
import { errors, isErrorCode } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import { wireError } from '../../server/gateway/wire.ts'
import { sharedb } from '../../server/sharedb.ts'
import { openSizes } from '../../server/sizes.ts'
import { typeOf } from '../../types/index.ts'

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

describe('Limits', () => {
  it('[W15] the depth of a text is that of the value that it says', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(8), (value, limit) => {
        assert.equal(isDeeperThan(JSON.stringify(value), limit), depthOf(value) > limit)
      }),
      { numRuns: 200 },
    )
  })

  it('[W15] brackets and quotes in a string do not count', () => {
    assert.equal(isDeeperThan(JSON.stringify([`[[[["\\[[{{`]), 1), false)
    assert.equal(isDeeperThan('["\\\\",[["\\""]]]', 2), true)
    assert.equal(isDeeperThan('"[[[[[[', 2), false)
  })

  it('[W15] a million levels are found at once', () => {
    assert.equal(isDeeperThan('['.repeat(1_000_000), 200), true)
    assert.equal(isDeeperThan('['.repeat(200) + ']'.repeat(200), 200), false)
  })

  it('[W16] a name is neither empty, long, reserved, broken nor invisible', () => {
    for (const name of ['a', 'Notes 2026', 'a/b', '..', 'é', '😀', 'proto', 'n'.repeat(255)]) {
      assert.equal(nameFault(name), null, name)
    }
    for (const name of [
      '',
      'n'.repeat(256),
      '__proto__',
      'constructor',
      'hasOwnProperty',
      '\udc00',
      'a\nb',
      '\x7f',
    ]) {
      assert.equal(typeof nameFault(name), 'string', JSON.stringify(name))
    }
  })

  it('[W12] every error of ShareDB reaches the wire under a code of the table, in words of ours', () => {
    for (const code of [...Object.keys(sharedb.Error.CODES), 'SQLITE_FULL', undefined, 7]) {
      const reports: string[] = []
      const told = wireError({ code, message: 'SELECT secret' }, what => void reports.push(what))
      assert.ok(isErrorCode(told.code), String(code))
      assert.equal(told.message, errors[told.code].meaning)
      assert.equal(reports.length, told.code === 'INTERNAL' ? 1 : 0, 'what is our fault is reported')
    }
  })

  it('[W13] a document may not grow past its limit, but may shrink when it is past it', () => {
    const text = typeOf('text')
    const sizes = openSizes(100)
    assert.equal(sizes.refusesNew('d', 'x'.repeat(99)), true)
    assert.equal(sizes.refusesNew('d', 'x'.repeat(50)), false)
    assert.equal(sizes.refuses('d', text, 'x'.repeat(50), ['y'.repeat(60)]), true)
    assert.equal(sizes.refuses('d', text, 'x'.repeat(50), ['y'.repeat(40)]), false)
    assert.equal(sizes.refuses('old', text, 'x'.repeat(500), [{ d: 10 }]), false)
    assert.equal(sizes.refuses('old', text, 'x'.repeat(490), ['y']), true)
  })

  it('[W13] a document that stays small may be edited without end', () => {
    const text = typeOf('text')
    const sizes = openSizes(100)
    for (let n = 0; n < 1000; n++) {
      assert.equal(sizes.refuses('d', text, 'x'.repeat(80), [{ d: 1 }, 'x']), false)
    }
  })
})
