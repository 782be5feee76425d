import assert from 'node:assert/strict'
import { restore, save } from '../../client/engine/checkpoint.ts'
import { reduce } from '../../client/engine/replica.ts'
import { sealOf } from '../../ops/seal.ts'
import { typeOf } from '../../types/index.ts'
import { Scene } from './scene.ts'

const text = typeOf('text').uri

describe('engine', () => {
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

  it('[E8] a refused op is held with its reason, leaves the view, and the rest goes on', () => {
    const scene = new Scene().online('base')
    scene.edit(['bad ']).edit([8, ' good'])
    scene.takeOps()
    scene.refuse('ERR_OP_SUBMIT_REJECTED', 1)
    assert.deepEqual(scene.held, ['ERR_OP_SUBMIT_REJECTED'])
    assert.equal(scene.view, 'base good')
    assert.deepEqual(
      scene.takeOps().map(op => [op.seq, op.op]),
      [[2, [4, ' good']]],
    )
  })

  it('[E8] a refused create takes the edits on top of it along as one held edit', () => {
    const scene = new Scene().create('').edit(['all my work'])
    scene.online(null, 0).refuse('NAME_INVALID', 1)
    assert.deepEqual(scene.pending, [])
    const [held] = scene.state.replica.held
    assert.deepEqual(held?.original, { create: { type: 'text', data: 'all my work' } })
    assert.deepEqual(
      held?.names.map(({ seq }) => seq),
      [1, 2],
    )
    assert.equal(scene.state.replica.view.type, null)
  })

  it('[E9] a stale refusal is caught up on and sent again; on the same version twice it is held', () => {
    const scene = new Scene().online('x')
    scene.edit([1, 'y']).take()
    scene.refuse('ERR_OP_VERSION_NEWER_THAN_CURRENT_SNAPSHOT', 1)
    assert.equal(scene.phase, 'catching')
    scene.answer({ segments: [] }, 1)
    assert.equal(scene.takeOps().length, 1)
    scene.refuse('ERR_OP_VERSION_NEWER_THAN_CURRENT_SNAPSHOT', 1)
    assert.deepEqual(scene.held, ['ERR_OP_VERSION_NEWER_THAN_CURRENT_SNAPSHOT'])
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

  it('[E13] a held edit can be put back under its name, carried to where the document is now, or discarded', () => {
    const scene = new Scene().online('base')
    scene.edit([4, ' bad']).refuse('ERR_OP_SUBMIT_REJECTED', 1)
    scene.remote(1, { op: ['new '] }).takeOps()
    scene.on({ t: 'retry', name: { src: 'me', seq: 1 } })
    assert.deepEqual([scene.view, scene.held], ['new base bad', []])
    assert.deepEqual(
      scene.takeOps().map(op => [op.seq, op.op]),
      [[1, [8, ' bad']]],
    )
    scene.refuse('ERR_OP_SUBMIT_REJECTED', 1).on({ t: 'discard', name: { src: 'me', seq: 1 } })
    assert.deepEqual([scene.view, scene.held], ['new base', []])
  })

  it('[Q15] what is put back keeps its name and seal; once a later edit has passed it, it gets one that follows from those', () => {
    const scene = new Scene().online('base').edit([4, ' bad'])
    const { seal } = scene.takeOps()[0]!
    scene.refuse('FORBIDDEN', 1).edit([4, ' good']).ack(1, 2)
    scene.takeOps()
    scene.on({ t: 'retry', name: { src: 'me', seq: 1 } })
    const named = () => scene.takeOps().map(op => [op.src, op.seq, op.seal])
    assert.deepEqual(named(), [['me', 1, seal]])
    scene.refuse('SEQ_PASSED', 1)
    assert.deepEqual([named(), scene.held], [[['me.1', 1, seal]], []])
    const reloaded = scene.reload('me2')
    assert.deepEqual([reloaded.view, reloaded.pending], [scene.view, scene.pending])
  })

  it('[Q15] a log from before, in which what was put back got a new name, is read as it was meant', () => {
    const scene = new Scene().online('base').edit([4, ' bad']).refuse('FORBIDDEN', 1)
    const [old] = reduce(scene.state.replica, { t: 'retry', name: { src: 'me', seq: 1 } })
    assert.deepEqual(
      old.pending.map(({ name }) => name.seq),
      [2],
    )
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

  it('[E3] [E4] words that the server lacks in its copy of an own op are held: a copy of this device sent it first', () => {
    const device = new Scene().online('ab').on({ t: 'down' }).edit([2, 'c'])
    const copy = device.reload('copy')
    device.edit([3, 'd'])
    assert.deepEqual(device.pending, copy.pending)
    device.on({ t: 'up' }).answer({ segments: [{ n: 1, op: [2, 'c'], own: ['me', 1] }] }, 2)
    assert.equal(device.view, 'abc')
    assert.deepEqual(device.held, ['NAME_REUSED'])
    assert.deepEqual(device.state.replica.held[0]!.original, { op: [2, 'cd'] })
  })

  it('[E3] an op that was refused and then committed, as a doubled frame can be, is not held any more', () => {
    const scene = new Scene().online('ab').edit([2, 'c']).refuse('OP_MISFIT', 1).on({ t: 'down' })
    scene.take()
    scene.on({ t: 'up' })
    assert.deepEqual(
      scene.take().map(frame => frame.a === 'h.catchup' && frame.own),
      [[['me', 1]]],
    )
    scene.answer({ segments: [{ n: 1, op: [2, 'c'], own: ['me', 1] }] }, 2)
    assert.deepEqual([scene.view, scene.held], ['abc', []])
  })

  it('[E4] an own op of which this device lost a part is taken as the server has it', () => {
    const device = new Scene().online('ab').on({ t: 'down' }).edit([2, 'c']).edit([3, 'd'])
    const cut = device.reload('later', device.log.length - 1)
    cut.on({ t: 'up' }).answer({ segments: [{ n: 1, op: [2, 'cd'], own: ['me', 1] }] }, 2)
    assert.equal(cut.view, 'abcd')
    assert.deepEqual(cut.held, [])
  })

  describe('what the server has under a name', () => {
    /** One that is sealed with `edits` edits in it. */
    const own = (edits: number): [string, number, string] => ['me', 1, sealOf({ op: [2, 'c'] }, edits)]
    const offline = () => new Scene().online('ab').on({ t: 'down' }).edit([2, 'c'])

    it('[E28] has fewer edits than stand here: those are held, where the history was trimmed as well', () => {
      const grown = offline().edit([3, 'd']).on({ t: 'seal' }).edit([4, 'e'])
      grown.on({ t: 'up' }).answer({ snapshot: { type: text, data: 'abcx' }, own: [own(1)] }, 900)
      assert.deepEqual([grown.view, grown.held], ['abecx', ['NAME_REUSED']])
      const [held] = grown.state.replica.held
      assert.deepEqual([held!.original, held!.change, held!.edits], [{ op: [2, 'cd'] }, null, 2])
      assert.deepEqual(
        grown.takeOps().map(op => [op.seq, op.op]),
        [[2, [2, 'e']]],
      )
    })

    it('[E28] has fewer edits than stand here, of which its words tell nothing', () => {
      const grown = offline().edit([{ d: 1 }])
      grown.on({ t: 'up' }).answer({ segments: [{ n: 1, op: [2, 'c'], own: own(1) }] }, 2)
      assert.deepEqual([grown.view, grown.held], ['abc', ['NAME_REUSED']])
    })

    it('[E28] has fewer edits than stood here when the document was deleted', () => {
      const grown = offline()
        .edit([3, 'd'])
        .on({ t: 'edit', change: { del: true } })
      grown.on({ t: 'up' }).answer({ segments: [{ n: 1, op: [2, 'c'], own: own(1) }] }, 2)
      assert.deepEqual([grown.held, grown.state.replica.held[0]!.type], [['NAME_REUSED'], 'text'])
    })

    it('[E28] has all edits that stand here, and more where this device lost some', () => {
      for (const edits of [1, 2]) {
        const device = offline()
        device.on({ t: 'up' }).answer({ snapshot: { type: text, data: 'abcd' }, own: [own(edits)] }, 900)
        assert.deepEqual([device.view, device.held, device.pending], ['abcd', [], []])
      }
    })

    it('[E28] is another edit than the one that was refused for its name, which stays held', () => {
      const scene = new Scene().online('ab').edit([2, 'c']).refuse('NAME_REUSED', 1).on({ t: 'down' })
      scene.on({ t: 'up' }).answer({ snapshot: { type: text, data: 'ab!' }, own: [['me', 1]] }, 900)
      assert.deepEqual([scene.view, scene.held], ['ab!', ['NAME_REUSED']])
    })

    it('[E28] is another edit than one that is tried again, also where only the whole document tells', () => {
      const scene = new Scene().online('ab').edit([2, 'c']).refuse('FORBIDDEN', 1)
      scene.on({ t: 'retry', name: { src: 'me', seq: 1 } }).refuse('NAME_REUSED', 1)
      scene.answer({ snapshot: { type: text, data: 'ab!' }, own: [['me', 1]] }, 900)
      assert.deepEqual([scene.pending, scene.held], [['me:1'], []])
      scene.refuse('NAME_REUSED', 1).answer({ segments: [] }, 900).refuse('NAME_REUSED', 1)
      assert.deepEqual([scene.view, scene.held], ['ab!', ['NAME_REUSED']])
    })

    it('[E28] is the creation alone: the edits that were held with it stay held', () => {
      const scene = new Scene().online(null, 0).create('').edit(['a']).refuse('FORBIDDEN', 1)
      assert.equal(scene.state.replica.held[0]!.names.length, 2)
      scene.on({ t: 'down' }).on({ t: 'up' })
      scene.answer({ snapshot: { type: text, data: '' }, own: [['me', 1]] }, 1)
      assert.deepEqual([scene.view, scene.held], ['', ['FORBIDDEN']])
    })
  })

  it('[U11] what was refused is undone already, and undoing does not bring it back twice', () => {
    for (const taken of [[], ['undo'], ['undo', 'redo']] as const) {
      const scene = new Scene().online('abc').edit([1, { d: 1 }])
      for (const t of taken) scene.on({ t })
      scene.refuse('ERR_OP_SUBMIT_REJECTED', 1)
      for (let seq = 2; scene.pending.length > 0; seq++) scene.refuse('ERR_OP_SUBMIT_REJECTED', seq)
      scene.on({ t: 'undo' }).on({ t: 'redo' }).on({ t: 'undo' })
      assert.equal(scene.view, 'abc')
    }
  })

  it('[E3] a refused op that a copy of this device got through stays held for what it had more', () => {
    const device = new Scene()
      .online('ab')
      .edit([2, 'cd'])
      .refuse('OP_MISFIT', 1)
      .on({ t: 'down' })
      .on({ t: 'up' })
    device.answer({ segments: [{ n: 1, op: [2, 'c'], own: ['me', 1] }] }, 2)
    assert.equal(device.view, 'abc')
    assert.deepEqual(device.held, ['OP_MISFIT'])
    assert.equal(device.state.replica.held[0]!.change, null)
  })

  it('[E19] a document of an unknown type bars the engine and touches nothing', () => {
    const scene = new Scene().create('mine')
    scene.on({ t: 'up' }).answer({ snapshot: { type: 'http://example.org/odd', data: 1 }, own: [] }, 1)
    assert.equal(scene.phase, 'barred')
    assert.deepEqual([scene.view, scene.pending], ['mine', ['me:1']])
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

  describe('barred', () => {
    const error = { code: 'FORBIDDEN', message: 'no' }

    it('[E25] keeps pending edits with their names, asks again when one is retried, and gives up only what is discarded', () => {
      const scene = new Scene().online('hello', 1)
      scene.edit([5, '!']).on({ t: 'barred', error })
      assert.deepEqual([scene.phase, scene.pending], ['barred', ['me:1']])
      scene.take()
      scene.on({ t: 'retry', name: { src: 'me', seq: 1 } })
      assert.deepEqual(
        scene.take().map(({ a, ...rest }) => [a, 'own' in rest && rest.own]),
        [['h.catchup', [['me', 1]]]],
      )
      scene.on({ t: 'answer', frame: { a: 'h.catchup', c: 'c', d: 'd', from: 1, error } })
      scene.on({ t: 'discard', name: { src: 'me', seq: 1 } })
      assert.deepEqual([scene.view, scene.pending, scene.held], ['hello', [], []])
    })

    it('[E25] a creation that is given up leaves what stood on top of it held', () => {
      const scene = new Scene().create('one').edit([3, ' two']).on({ t: 'up' })
      scene.on({ t: 'answer', frame: { a: 'h.catchup', c: 'c', d: 'd', from: null, error } })
      scene.on({ t: 'discard', name: { src: 'me', seq: 1 } })
      assert.deepEqual([scene.pending, scene.held], [[], ['FORBIDDEN']])
    })
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

  describe('schema', () => {
    const old = () => new Scene().online('{}', 1).on({ t: 'edit', change: { op: [1, 'a:1'] } })
    /** The device comes back with the app at version 2. */
    const upgraded = (scene: Scene) => new Scene(scene.log, 'you', 1_000_000, undefined, 2)

    it('[E27] an edit of an older schema is lifted when the server is known not to have it, and then sent under its name', () => {
      const scene = upgraded(old().edit([4, ' ']))
      scene.on({ t: 'up' })
      assert.equal('submit' in scene.take()[0]!, false)
      scene.answer({ segments: [] }, 1)
      assert.deepEqual(scene.takeOps(), [])
      const [wish, ...others] = scene.effects.filter(effect => effect.t === 'lift')
      assert.deepEqual([wish!.name, wish!.from, others], [{ src: 'me', seq: 1 }, 0, []])
      scene.on({ t: 'lifted', name: wish!.name, change: { op: [1, 'b:[1]'] } })
      const [op] = scene.takeOps()
      assert.deepEqual([op?.src, op?.seq, op?.op], ['me', 1, [1, 'b:[1]']])
      assert.equal(op?.seal, sealOf({ op: [1, 'b:[1]'] }, 1))
      scene.ack(1, 1, 'me')
      assert.deepEqual(scene.effects.filter(effect => effect.t === 'lift').length, 2)
    })

    it('[E27] one that the app cannot lift, or lifts to what does not fit, is held', () => {
      for (const change of [null, { op: [99, 'x'] }]) {
        const scene = upgraded(old()).on({ t: 'up' }).answer({ segments: [] }, 1)
        scene.on({ t: 'lifted', name: { src: 'me', seq: 1 }, change })
        assert.deepEqual([scene.view, scene.held], ['{}', [change ? 'OP_MISFIT' : 'SCHEMA_OLD']])
      }
    })

    it('[E27] one that the server has already is not lifted', () => {
      const scene = upgraded(old()).on({ t: 'up' })
      scene.answer({ segments: [{ n: 1, op: [1, 'a:1'], own: ['me', 1] }] }, 2)
      assert.deepEqual([scene.pending, scene.effects.some(effect => effect.t === 'lift')], [[], false])
    })
  })
})
