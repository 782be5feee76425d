import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ReplicaEvent } from '../../client/engine/replica.ts'
import type { TabEdit } from '../../client/engine/state.ts'
import { lastFrom, pack, unpack } from '../../client/engine/stored.ts'

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
/** In a row by one of two handles, as it is typed. */
const typed = fc
  .record({ handle: fc.constantFrom('a', 'b'), n: fc.integer({ min: 1, max: 3 }) })
  .map(({ handle, n }): ReplicaEvent => ({ t: 'edit', change: { op: ['x'] }, from: [handle, n] }))
const others = fc.constantFrom<ReplicaEvent>(
  { t: 'seal' },
  { t: 'ack', hash: 'ab' },
  { t: 'ack' },
  { t: 'begin', src: 'x' },
  { t: 'edit', change: { create: { type: 'text', data: '' } } },
  { t: 'edit', change: { del: true }, from: ['h', 2] },
)

function stored(events: readonly ReplicaEvent[]): unknown[] {
  let last: TabEdit | null = null
  return events.map(event => {
    const packed = pack(event, last)
    last = lastFrom(event, last)
    return packed
  })
}

describe('events as they are stored', () => {
  it('[R17] come back as they were, through JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(edit, typed, others)), events => {
        assert.deepEqual(
          unpack(JSON.parse(JSON.stringify(stored(events)))),
          JSON.parse(JSON.stringify(events)),
        )
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
    const next: ReplicaEvent = { ...event, from: ['0123456789ab.1', 8] }
    assert.ok(JSON.stringify(pack(event)).length < 40)
    assert.deepEqual(pack(next, event.from), [[5, 'a'], 3])
    assert.deepEqual(unpack([event, next]), [event, next])
  })

  it('[R80] an edit of another tab, out of turn or behind a checkpoint says where it is from', () => {
    const edit = (from: TabEdit): ReplicaEvent => ({ t: 'edit', change: { op: ['a'] }, from })
    for (const from of [
      ['b', 8],
      ['a', 7],
      ['a', 9],
    ] as const)
      assert.deepEqual(pack(edit(from), ['a', 7]), [['a'], 0, ...from])
    assert.deepEqual(pack(edit(['a', 8]), null), [['a'], 0, 'a', 8])
    assert.throws(() => unpack([[['a'], 2]]))
  })
})
