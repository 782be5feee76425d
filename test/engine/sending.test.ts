import assert from 'node:assert/strict'
import { restore, save } from '../../client/engine/checkpoint.ts'
import { sealOf } from '../../ops/seal.ts'
import { Scene } from './scene.ts'

describe('Engine: what is sent', () => {
  it('[E5] sends an op only when the log has saved its seal', () => {
    const scene = new Scene().online('hello')
    scene.saves = false
    scene.take()
    scene.edit([5, '!'])
    assert.deepEqual(
      scene.log.slice(-2).map(event => event.t),
      ['edit', 'seal'],
    )
    assert.deepEqual(scene.take(), [])
    scene.saved(scene.state.logged - 1)
    assert.deepEqual(scene.take(), [])
    scene.saved()
    const seal = sealOf({ op: [5, '!'] }, 1)
    assert.deepEqual(scene.take(), [{ a: 'op', c: 'c', d: 'd', v: 1, src: 'me', seq: 1, seal, op: [5, '!'] }])
  })

  it('[E6] sends nothing before the catch-up, and names its pending ops in it', () => {
    const scene = new Scene().create('hi').edit([2, '!'])
    assert.deepEqual(scene.take(), [])
    scene.on({ t: 'up' })
    assert.deepEqual(scene.take(), [
      {
        a: 'h.catchup',
        c: 'c',
        d: 'd',
        v: null,
        own: [
          ['me', 1],
          ['me', 2],
        ],
      },
    ])
    scene.answer({ snapshot: { type: null }, own: [] }, 0)
    assert.deepEqual(
      scene.take().map(frame => frame.a),
      ['s', 'op'],
    )
  })

  it('[E5] [E6] the oldest edit goes along with the catch-up, once the log has saved its seal', () => {
    const scene = new Scene().online('hello', 3).on({ t: 'down' })
    scene.edit([5, '!']).edit([6, '?'])
    scene.take()
    scene.saves = false
    scene.on({ t: 'up' })
    assert.equal(scene.log.at(-1)!.t, 'seal')
    scene.edit([7, ' later']).saved(scene.state.logged - 2)
    assert.deepEqual(scene.take(), [])
    scene.saved(scene.state.logged - 1)
    const own = [
      ['me', 1],
      ['me', 2],
    ]
    const submit = { src: 'me', seq: 1, seal: sealOf({ op: [5, '!?'] }, 2), op: [5, '!?'] }
    assert.deepEqual(scene.take(), [{ a: 'h.catchup', c: 'c', d: 'd', v: 3, own, submit }])
    assert.deepEqual(scene.saved().take(), [])
  })

  it('[E6] what is no edit of a known document, or fits no frame with the question, does not go along', () => {
    const created = new Scene().online(null, 0).on({ t: 'down' }).create('x').on({ t: 'up' })
    const deleted = new Scene()
      .online('x', 3)
      .on({ t: 'down' })
      .on({ t: 'edit', change: { del: true } })
    const large = new Scene([], 'me', 100)
      .online('x', 3)
      .on({ t: 'down' })
      .edit(['y'.repeat(100)])
    for (const scene of [created, deleted.on({ t: 'up' }), large.on({ t: 'up' })]) {
      const question = scene.take().at(-1)
      assert.ok(question?.a === 'h.catchup' && question.own.length === 1)
      assert.equal(question.submit, undefined)
    }
  })

  it('[E22] an edit that the server sent on is in flight; what it left to us is sent as ever', () => {
    const offline = () => new Scene().online('hello').on({ t: 'down' }).edit([5, '!'])
    const segments = [{ n: 2, op: ['so: '] }]
    const scene = offline().on({ t: 'up' })
    scene.take()
    scene.answer({ segments, submitted: ['me', 1] }, 3).edit([10, '?'])
    assert.deepEqual([scene.view, scene.take()], ['so: hello!?', []])
    scene.ack(3, 1)
    assert.deepEqual(scene.pending, ['me:2'])
    assert.deepEqual(
      scene.takeOps().map(({ v, seq, op }) => [v, seq, op]),
      [[4, 2, [10, '?']]],
    )
    const left = offline().on({ t: 'up' })
    left.take()
    left.answer({ segments }, 3)
    assert.deepEqual(
      left.take().map(frame => (frame.a === 'op' ? [frame.v, frame.op] : frame.a)),
      ['s', [3, [9, '!']]],
    )
  })

  it('[E22] an edit that the server sent on and then refused is held, as any other', () => {
    const scene = new Scene().online('hello').on({ t: 'down' }).edit([5, '!']).on({ t: 'up' })
    scene
      .answer({ segments: [{ n: 1, op: ['so: '] }], submitted: ['me', 1] }, 2)
      .refuse('DOCUMENT_TOO_LARGE', 1)
    assert.deepEqual([scene.view, scene.held], ['so: hello', ['DOCUMENT_TOO_LARGE']])
  })

  it('[E7] an op keeps its name over cuts and reloads, however often it is sent', () => {
    const first = new Scene().online('hello')
    first.edit([5, '!'])
    const [sent] = first.takeOps()
    const again = first.on({ t: 'down' }).on({ t: 'up' }).answer({ segments: [] }, 1).takeOps()
    const reloaded = first.reload('me2').on({ t: 'up' }).answer({ segments: [] }, 1).takeOps()
    for (const op of [...again, ...reloaded])
      assert.deepEqual([op.src, op.seq, op.op], [sent?.src, sent?.seq, sent?.op])
    assert.equal(again.length + reloaded.length, 2)
  })

  it('[E7] an op keeps its seal while it is rebased, over cuts and reloads', () => {
    const first = new Scene().online('hello')
    first.edit([5, '!'])
    const [sent] = first.takeOps()
    assert.match(sent!.seal!, /^[0-9a-f]{16}1$/)
    const reloaded = first.reload('me2').on({ t: 'up' })
    reloaded.answer({ segments: [{ n: 1, op: ['>'] }] }, 2)
    const [again] = reloaded.takeOps()
    assert.deepEqual([again!.op, again!.seal], [[6, '!'], sent!.seal])
    assert.notEqual(sealOf({ op: [6, '!'] }, 1), sent!.seal)
  })

  it('[E21] a catch-up names the receipt of the base, as far as it was told', () => {
    const scene = new Scene().online('hello')
    const receipt = () => {
      scene.take()
      scene.on({ t: 'down' }).on({ t: 'up' })
      const [asked] = scene.take()
      assert.ok(asked?.a === 'h.catchup')
      return asked.hash
    }
    const told = (hash: string) => ({ segments: [], hash })
    assert.equal(receipt(), undefined)
    scene.answer(told('a1'), 1)
    assert.equal(receipt(), 'a1')
    scene.answer(told('a1'), 1).remote(1, { op: ['x'] })
    assert.equal(receipt(), undefined)
    scene.answer(told('a2'), 2)
    scene.on({
      t: 'op',
      frame: { a: 'op', c: 'c', d: 'd', v: 2, src: 'other', seq: 9, op: ['y'], hash: 'a3' },
    })
    assert.equal(receipt(), 'a3')
    scene.answer(told('a3'), 3).edit(['z'])
    scene.on({ t: 'op', frame: { a: 'op', c: 'c', d: 'd', v: 3, src: 'me', seq: 1, hash: 'a4' } })
    assert.equal(receipt(), 'a4')
    const reloaded = scene.reload('me2').on({ t: 'up' })
    assert.deepEqual(reloaded.state.replica.hash, 'a4')
    assert.equal(restore(save(reloaded.state.replica), []).hash, 'a4')
  })

  it('[E17] edits compose into one op while another is in flight, and a new incarnation never adds to an old op', () => {
    const scene = new Scene().online('')
    scene.edit(['a']).edit([1, 'b']).edit([2, 'c'])
    assert.deepEqual(
      scene.takeOps().map(op => op.op),
      [['a']],
    )
    scene.ack(1, 1)
    assert.deepEqual(
      scene.takeOps().map(op => op.op),
      [[1, 'bc']],
    )
    const reloaded = scene.reload('me2').edit([3, 'd'])
    assert.deepEqual(reloaded.pending, ['me:2', 'me2:1'])
    assert.equal(reloaded.view, 'abcd')
  })

  it('[E18] a server that cannot serve is asked again later; the edit stays where it is', () => {
    const scene = new Scene().online('x')
    scene.edit([1, 'y']).take()
    scene.refuse('STORE_FAILED', 1)
    assert.equal(scene.phase, 'pausing')
    assert.deepEqual(scene.pending, ['me:1'])
    scene.on({ t: 'wake' }).answer({ segments: [] }, 1)
    assert.deepEqual(
      scene.takeOps().map(op => op.seq),
      [1],
    )
  })

  it('[E15] a long offline spell becomes several ops, each well within a frame', () => {
    const scene = new Scene().online('').on({ t: 'down' })
    const page = 'x'.repeat(60_000)
    for (let i = 0; i < 10; i++) scene.edit([page])
    assert.ok(scene.pending.length > 1)
    scene.on({ t: 'up' }).answer({ segments: [] }, 1)
    for (let v = 1; scene.state.replica.pending.length > 0; v++) {
      const [op] = scene.takeOps()
      assert.ok(JSON.stringify(op).length < 400_000)
      scene.ack(v, op!.seq)
    }
    assert.equal((scene.view as string).length, 600_000)
  })

  it('[E15] an edit that no frame can carry is held, and what follows goes on', () => {
    const scene = new Scene([], 'me', 1000).online('')
    scene.edit(['€'.repeat(400)]).edit(['b'])
    assert.deepEqual(scene.held, ['FRAME_TOO_LARGE'])
    assert.deepEqual(
      scene.takeOps().map(op => op.op),
      [['b']],
    )
  })

  it('[E19] a document of an unknown type bars the engine and touches nothing', () => {
    const scene = new Scene().create('mine')
    scene.on({ t: 'up' }).answer({ snapshot: { type: 'http://example.org/odd', data: 1 }, own: [] }, 1)
    assert.equal(scene.phase, 'barred')
    assert.deepEqual([scene.view, scene.pending], ['mine', ['me:1']])
  })

  it('[E20] an edit that does not fit is refused where it is made and changes nothing', () => {
    const scene = new Scene().online('abc')
    const before = scene.state
    assert.throws(() => scene.edit([9, 'x']), { code: 'OP_MISFIT' })
    assert.throws(() => scene.edit([-1, 'x']), { code: 'OP_MALFORMED' })
    assert.equal(scene.state, before)
  })

  describe('waiting', () => {
    const after = [{ key: { collection: 'c', id: 'other' }, name: { src: 'me', seq: 7 } }]
    const waits = (scene: Scene) => scene.effects.filter(effect => effect.t === 'await').length

    it('[E23] an edit that waits for another document is not sent, nor what is behind it, until that is committed', () => {
      const scene = new Scene().online('', 1)
      scene.take()
      scene.on({ t: 'edit', change: { op: ['a'] }, after })
      scene.edit([1, 'b'])
      assert.deepEqual(scene.takeOps(), [])
      assert.ok(waits(scene) > 0)
      scene.on({ t: 'cleared', name: { src: 'me', seq: 2 } })
      assert.deepEqual(scene.takeOps(), [])
      scene.on({ t: 'cleared', name: { src: 'me', seq: 1 } })
      assert.deepEqual(
        scene.takeOps().map(({ op }) => op),
        [['ab']],
      )
    })

    it('[E23] nor does it go along with the catch-up; it waits after a reload and from a checkpoint too', () => {
      const first = new Scene().online('', 1)
      first.on({ t: 'edit', change: { op: ['a'] }, after })
      for (const scene of [first.on({ t: 'down' }), first.reload('you'), first.resume('you')]) {
        scene.take()
        scene.on({ t: 'up' })
        const [question] = scene.take()
        assert.deepEqual([question?.a, 'submit' in question!], ['h.catchup', false])
        scene.answer({ segments: [] }, 1)
        assert.deepEqual(scene.takeOps(), [])
        scene.on({ t: 'cleared', name: { src: 'me', seq: 1 } })
        assert.equal(scene.takeOps().length, 1)
      }
    })

    it('[E24] on a slow network edits gather, and each gathering lets one op go', () => {
      const scene = new Scene().online('', 1).on({ t: 'network', slow: true })
      scene.take()
      scene.edit(['a']).edit([1, 'b'])
      assert.deepEqual(scene.takeOps(), [])
      assert.equal(scene.effects.filter(effect => effect.t === 'gather').length, 1)
      scene.on({ t: 'gathered' })
      assert.deepEqual(
        scene.takeOps().map(({ op }) => op),
        [['ab']],
      )
      scene.edit([2, 'c']).ack(1, 1)
      assert.deepEqual(scene.takeOps(), [])
      scene.on({ t: 'gathered' })
      assert.equal(scene.takeOps().length, 1)
      scene.ack(2, 2).on({ t: 'network', slow: false })
      scene.edit([3, 'd'])
      assert.equal(scene.takeOps().length, 1)
    })
  })
})
