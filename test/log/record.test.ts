/** Records as they lie in a storage. */

import assert from 'node:assert/strict'
import { noHead } from '../../client/log/log.ts'
import { compress, encode, pack } from '../../client/log/packing.ts'
import { decompress, unpack } from '../../client/log/record.ts'
import type { DocKey } from '../../ops/identity.ts'

const key: DocKey = { collection: 'notes', id: 'hello' }
const PLACE = 'the checkpoint at event 1 of ["notes","hello"]'
const large = encode(PLACE, ['a line of text, '.repeat(132_000)])

describe('records of the log', () => {
  it('[G20] carry a CRC-32 of place and text', () => {
    // The check value of CRC-32: "123456789" gives cbf43926.
    assert.equal(encode('123', 456789), 'cbf43926456789')
  })

  it('[G20] say of what JSON cannot hold that it is none', () => {
    for (const event of [undefined, () => 1, 1n])
      assert.throws(() => pack({ key, events: [{ n: 1, event }] }), {
        code: 'LOG_FAILED',
        message: /event 1/,
      })
  })

  it('[G20] hold a string as it is, and one that JSON alone can say as JSON', () => {
    const read = (event: unknown) => {
      const { events } = pack({ key, events: [{ n: 1, event }] })
      const stored = unpack(key, { checkpoint: null, bulk: null, events }, noHead)
      assert.deepEqual(stored.events, [{ n: 1, event }])
      return events[0]!.record.slice(8)
    }
    assert.equal(read('two\n"lines" 😀'), '=two\n"lines" 😀')
    assert.equal(read(''), '=')
    assert.equal(read('half \ud83d'), '"half \\ud83d"')
    assert.equal(read(['=']), '["="]')
  })

  it('[G22] are compressed above 2 MiB, and only then', async () => {
    const bytes = await compress(large)
    assert.ok(bytes instanceof Uint8Array)
    assert.ok(bytes.length < large.length / 20)
    assert.equal(await decompress(PLACE, bytes), large)
    const small = encode(PLACE, 'not large, '.repeat(100_000))
    assert.equal(await compress(small), small)
    assert.equal(await decompress(PLACE, small), small)
  })

  it('[G22] stay text where the platform cannot compress', async () => {
    const { CompressionStream } = globalThis
    Reflect.deleteProperty(globalThis, 'CompressionStream')
    try {
      assert.equal(await compress(large), large)
    } finally {
      globalThis.CompressionStream = CompressionStream
    }
  })

  it('[G20] [G22] are LOG_FAILED when their compressed bytes are damaged, wherever', async () => {
    const bytes = (await compress(large)) as Uint8Array
    const flipped = [0, bytes.length >> 2, bytes.length >> 1].map(at =>
      bytes.map((byte, i) => (i === at ? byte ^ 16 : byte)),
    )
    for (const damaged of [...flipped, bytes.slice(0, -4)])
      await assert.rejects(
        async () =>
          unpack(
            key,
            { checkpoint: { n: 1, record: await decompress(PLACE, damaged) }, bulk: null, events: [] },
            { last: 1, covered: 1 },
          ),
        { code: 'LOG_FAILED', message: /checkpoint at event 1 .* is damaged/ },
      )
  })
})
