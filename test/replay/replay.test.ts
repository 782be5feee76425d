import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { samplePath } from '../traces/files.ts'
import {
  firstEdits,
  type History,
  placeFor,
  placeOf,
  ranksOf,
  readHistory,
  signOf,
} from '../traces/history.ts'
import { type Evidence, neighboursKept, violationsOf } from './evidence.ts'
import { replay } from './replay.ts'

const sample = readHistory(samplePath('friendsforever'))

describe('replay of a recorded history', () => {
  it('[P1] two clients that are offline between the readings, the server and its op log end as recorded', async () => {
    const outcome = await replay(sample)
    assert.deepEqual(outcome.violations, [])
    assert.equal(outcome.edits, 300)
    assert.ok(outcome.reconnects >= 24, `${outcome.reconnects} reconnects`)
    assert.ok(outcome.versions > 0 && outcome.versions <= 300, `${outcome.versions} versions`)
    assert.ok(outcome.sent > 0 && outcome.received > 0)
    assert.ok(outcome.neighbours > 0.9, `${outcome.neighbours} of the neighbours`)
  })

  describe('the checker', () => {
    const history: History = {
      authors: 2,
      chars: ['a', 'b', 'c'],
      end: 'ac',
      edits: [
        { author: 0, inserted: [0, 1, 2], deleted: [], reads: false, published: true },
        { author: 1, inserted: [], deleted: [1], reads: true, published: true },
      ],
    }
    const [a, b, c] = [0, 1, 2].map(signOf) as [string, string, string]

    function told(document: string, change: Partial<Evidence> = {}): string {
      const log = { document, versions: 2, faults: [] }
      return violationsOf(history, {
        documents: [document, document],
        held: 0,
        snapshot: document,
        log,
        ...change,
      }).join()
    }

    it('[P2] is content with the recorded characters in any order', () => {
      assert.equal(told(a + c), '')
      assert.equal(told(c + a), '')
    })
    it('[P2] tells of a missing, a doubled, a revived and a foreign character', () => {
      assert.match(told(a), /1 characters are missing, the first of rank 2/)
      assert.match(told(a + c + c), /1 characters are doubled/)
      assert.match(told(a + b + c), /1 characters should not be there, the first of rank 1/)
      assert.match(told(`${a}${c}x`), /should not be there/)
    })
    it('[P2] tells who differs, what is held and what is wrong with the log', () => {
      assert.match(told(a + c, { documents: [a + c, c + a] }), /author 1 differs/)
      assert.match(told(a + c, { snapshot: a }), /the server's snapshot differs/)
      assert.match(told(a + c, { held: 1 }), /1 edits are held/)
      assert.match(told(a + c, { log: { document: a + c, versions: 2, faults: ['twice'] } }), /twice/)
    })
    it('[P2] counts the neighbours that were kept', () => {
      assert.equal(neighboursKept(history, [0, 2]), 1)
      assert.equal(neighboursKept(history, [2, 0]), 0)
    })
  })
})

describe('recorded histories', () => {
  it('[P3] say where a character goes and where it stands, in code points', () => {
    const document = [1, 3, 7].map(signOf).join('')
    assert.deepEqual(
      [0, 2, 3, 9].map(rank => placeFor(document, rank)),
      [0, 1, 1, 3],
    )
    assert.deepEqual(
      [1, 7, 2].map(rank => placeOf(document, rank)),
      [0, 2, null],
    )
    assert.deepEqual(ranksOf(document), [1, 3, 7])
  })

  it('[P4] begin with a history of their own', () => {
    const three: History = {
      authors: 1,
      chars: ['x', 'y', 'z'],
      end: 'xz',
      edits: [[2], [0], [1]].map(inserted => ({
        author: 0,
        inserted,
        deleted: inserted[0] === 1 ? [1] : [],
        reads: false,
        published: false,
      })),
    }
    const first = firstEdits(three, 2)
    assert.deepEqual(first.chars, ['x', 'z'])
    assert.equal(first.end, 'xz')
    assert.deepEqual(
      first.edits.map(edit => edit.inserted),
      [[1], [0]],
    )
    assert.deepEqual(firstEdits(sample, 300), sample)
  })

  it('[P5] of another form are refused, saying why', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-history-'))
    const path = join(directory, 'history.json')
    const ok = { agents: 1, chars: 'a', end: 'a', edits: [[0, [0], [], 2]] }
    const refused: [object, RegExp][] = [
      [{}, /is not a replay file/],
      [{ ...ok, edits: [[1, [0], [], 2]] }, /names author 1 in edit 0/],
      [{ ...ok, edits: [[0, [0, 0], [], 2]] }, /inserts rank 0 wrongly/],
      [{ ...ok, edits: [[0, [], [0], 2]] }, /deletes rank 0 in edit 0 before/],
      [{ ...ok, end: 'b' }, /does not lead to its own end/],
    ]
    for (const [content, reason] of refused) {
      await writeFile(path, JSON.stringify(content))
      assert.throws(() => readHistory(path), reason)
    }
    assert.throws(() => readHistory(join(directory, 'none.json')), /cannot read .*HOLDFAST_TRACES/)
    await rm(directory, { recursive: true })
  })
})
