import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ReplicaEvent } from '../../client/engine/replica.ts'
import { pack, unpack } from '../../client/engine/stored.ts'

const name = fc.record({ src: fc.string(), seq: fc.nat() })
const edit = fc
  .record(
    {
      op: fc.jsonValue(),
      joins: fc.constant(true as const),
      from: fc.tuple(fc.string(), fc.nat()),
      after: fc.array(fc.record({ key: fc.record({ collection: fc.string(), id: fc.string() }), name })),
      schema: fc.integer({ min: 1 }),
    },
    { requiredKeys: ['op'] },
  )
  .map(({ op, ...rest }): ReplicaEvent => ({ t: 'edit', change: { op }, ...rest }))
const others = fc.constantFrom<ReplicaEvent>(
  { t: 'seal' },
  { t: 'begin', src: 'x' },
  { t: 'edit', change: { create: { type: 'text', data: '' } } },
  { t: 'edit', change: { del: true }, from: ['h', 2] },
)

describe('events as they are stored', () => {
  it('[R17] come back as they were, through JSON', () => {
    fc.assert(
      fc.property(fc.oneof(edit, others), event => {
        const stored = JSON.parse(JSON.stringify(pack(event)))
        assert.deepEqual(unpack(stored), JSON.parse(JSON.stringify(event)))
      }),
    )
  })

  it('[R17] a keystroke is short, and one of a log from before is read', () => {
    const event: ReplicaEvent = {
      t: 'edit',
      change: { op: [5, 'a'] },
      joins: true,
      from: ['0123456789ab.1', 7],
    }
    assert.ok(JSON.stringify(pack(event)).length < 40)
    assert.deepEqual(unpack(event), event)
  })
})
