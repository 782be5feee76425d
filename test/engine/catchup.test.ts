import assert from 'node:assert/strict'
import { typeOf } from '../../types/index.ts'
import { Scene } from './scene.ts'

const text = typeOf('text').uri

describe('Engine: catching up', () => {
  it('[E10] a gap is caught up on, what is known already is passed over', () => {
    const scene = new Scene().online('x', 3)
    scene.remote(2, { op: ['old'] }).remote(1, { del: true })
    assert.equal(scene.view, 'x')
    scene.take()
    scene.remote(5, { op: ['late'] })
    assert.deepEqual(scene.take(), [{ a: 'h.catchup', c: 'c', d: 'd', v: 3, own: [] }])
    scene.answer({ segments: [{ n: 3, op: ['new '] }] }, 6)
    assert.equal(scene.view, 'new x')
    assert.deepEqual(scene.take(), [{ a: 's', c: 'c', d: 'd', v: 6 }])
  })

  it('[E10] an ack that the op was there before, or of another version than expected, is caught up on', () => {
    for (const again of [true, false]) {
      const scene = new Scene().online('x')
      scene.edit([1, 'y']).take()
      scene.ack(again ? 1 : 4, 1, 'me', again)
      assert.equal(scene.phase, 'catching')
      scene.answer({ segments: [{ n: 1, op: [1, 'y'], own: ['me', 1] }] }, 2)
      assert.deepEqual([scene.view, scene.pending, scene.takeOps()], ['xy', [], []])
    }
  })

  it('[E10] so is an ack of an op that is not in flight any more: it was refused, and then a doubled frame of it committed', () => {
    const scene = new Scene().online('x').edit([1, 'y']).refuse('OP_MISFIT', 1)
    scene.take()
    scene.ack(0, 1)
    assert.equal(scene.phase, 'live')
    scene.ack(1, 1)
    assert.equal(scene.phase, 'catching')
    scene.answer({ segments: [{ n: 1, op: [1, 'y'], own: ['me', 1] }] }, 2)
    assert.deepEqual([scene.view, scene.held, scene.takeOps()], ['xy', [], []])
  })

  it('[E11] two creations of one document meet: both contents stand', () => {
    const scene = new Scene().create('').edit(['mine'])
    scene.on({ t: 'up' }).answer({ snapshot: { type: text, data: 'theirs' }, own: [] }, 2)
    assert.match(scene.view as string, /^(minetheirs|theirsmine)$/)
    assert.deepEqual(scene.held, [])
  })

  it('[E11] a creation that meets another type is held with its edits', () => {
    const scene = new Scene().create('').edit(['mine'])
    scene.on({ t: 'up' }).answer({ snapshot: { type: typeOf('json').uri, data: { a: 1 } }, own: [] }, 2)
    assert.deepEqual(scene.view, { a: 1 })
    assert.deepEqual([...new Set(scene.held)], ['TYPE_MISMATCH'])
    assert.deepEqual(scene.pending, [])
  })

  it('[E12] edits of a document that was deleted meanwhile are held; nothing comes back to life', () => {
    const scene = new Scene().online('x', 1)
    scene.on({ t: 'down' }).edit([1, ' and more'])
    scene.take()
    scene.on({ t: 'up' }).answer({ segments: [{ n: 1, del: true }] }, 2)
    assert.deepEqual(scene.held, ['DOCUMENT_DELETED'])
    assert.equal(scene.state.replica.view.type, null)
    assert.deepEqual(scene.takeOps(), [])
  })

  it('[E14] history that cannot be served: a snapshot is met by comparing, own ops in it are not sent again', () => {
    const scene = new Scene().online('one two', 5)
    scene.on({ t: 'down' }).edit(['zero '])
    const later = scene.reload('me2').edit([12, ' three'])
    later.on({ t: 'up' }).answer({ snapshot: { type: text, data: 'zero ONE two' }, own: [['me', 1]] }, 900)
    assert.equal(later.view, 'zero ONE two three')
    assert.deepEqual(
      later.takeOps().map(op => [op.v, op.op]),
      [[900, [12, ' three']]],
    )
  })

  it('[E11] holds what was created, edited and deleted while somebody created it with another type', () => {
    const scene = new Scene().online(null, 0).on({ t: 'down' }).create('a').edit(['b'])
    scene.on({ t: 'edit', change: { del: true } })
    scene.on({ t: 'up' }).answer({ segments: [{ n: 1, create: { type: typeOf('json').uri, data: {} } }] }, 1)
    assert.deepEqual(scene.held, ['TYPE_MISMATCH', 'TYPE_MISMATCH'])
    assert.deepEqual(
      scene.state.replica.held.map(({ type }) => type),
      ['text', 'text'],
    )
  })

  for (const code of ['SERVER_BEHIND', 'SERVER_DIVERGED']) {
    it(`[E19] ${code} from the server bars the engine; nothing is overwritten or sent`, () => {
      const scene = new Scene().online('x', 7)
      scene.on({ t: 'down' }).edit([1, 'y'])
      scene.take()
      scene.on({ t: 'up' }).on({
        t: 'answer',
        frame: { a: 'h.catchup', c: 'c', d: 'd', from: 7, error: { code, message: '' } },
      })
      assert.deepEqual([scene.phase, scene.view, scene.takeOps()], ['barred', 'xy', []])
    })
  }

  it('[E29] where history was trimmed between the answer and the subscription, it asks again', () => {
    const scene = new Scene().online('ab', 3)
    scene.take()
    scene.on({ t: 'barred', error: { code: 'HISTORY_TRIMMED', message: '' } })
    assert.equal(scene.phase, 'catching')
    assert.deepEqual(
      scene.take().map(({ a }) => a),
      ['h.catchup'],
    )
  })

  describe('a server that went back', () => {
    const error = { code: 'SERVER_DIVERGED', message: 'another history' }
    const gone = () => {
      const scene = new Scene().online('older and newer', 4).edit([15, '!'])
      return scene
        .on({ t: 'down' })
        .on({ t: 'up' })
        .on({
          t: 'answer',
          frame: { a: 'h.catchup', c: 'c', d: 'd', from: 4, error },
        })
    }
    const answer = (scene: Scene) =>
      scene.on({
        t: 'answer',
        frame: {
          a: 'h.catchup',
          c: 'c',
          d: 'd',
          from: null,
          v: 2,
          hash: 'h',
          snapshot: { type: text, data: 'older' },
          own: [],
        },
      })

    it('[E26] mine: the content of this device is written onto that of the server, under a new name', () => {
      const scene = gone()
      scene.take()
      const seen = scene.shown.length
      scene.on({ t: 'restore', keep: 'mine' })
      assert.deepEqual(
        scene.take().map(({ a }) => a),
        ['h.catchup'],
      )
      answer(scene)
      assert.deepEqual([scene.view, scene.held, scene.shown.length], ['older and newer!', [], seen])
      const [op] = scene.takeOps()
      assert.deepEqual([op?.v, op?.seq, op?.op], [2, 2, [5, ' and newer!']])
      assert.deepEqual(scene.reload('you').view, 'older and newer!')
    })

    it('[E26] theirs: the content of the server stands, what was not sent is held, and nothing is sent', () => {
      const scene = gone()
      scene.take()
      answer(scene.on({ t: 'restore', keep: 'theirs' }))
      assert.deepEqual([scene.view, scene.pending, scene.held], ['older', [], ['SERVER_DIVERGED']])
      assert.deepEqual(scene.takeOps(), [])
      assert.deepEqual(scene.state.replica.held[0]!.original, { op: [15, '!'] })
      assert.equal(scene.reload('you').view, 'older')
    })

    it('[E26] nothing else leads there: not an edit, not a retry, not another fault', () => {
      const scene = gone()
      scene.take()
      scene.edit(['> ']).on({ t: 'retry', name: { src: 'me', seq: 1 } })
      assert.deepEqual(scene.takeOps(), [])
      const other = new Scene().online('x', 1).on({ t: 'restore', keep: 'mine' })
      assert.equal(other.phase, 'live')
    })
  })
})
