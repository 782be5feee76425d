import assert from 'node:assert/strict'
import { reduce } from '../../client/engine/replica.ts'
import { sealOf } from '../../ops/seal.ts'
import { typeOf } from '../../types/index.ts'
import { Scene } from './scene.ts'

const text = typeOf('text').uri

describe('Engine: what is held', () => {
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

  it('[U160] what was refused comes back once, though it had been taken back already', () => {
    const scene = new Scene()
      .online('abc')
      .edit([1, { d: 1 }])
      .on({ t: 'undo' })
      .edit([3, '!'])
    assert.equal(scene.view, 'abc!')
    scene.refuse('ERR_OP_SUBMIT_REJECTED', 1)
    assert.deepEqual([scene.view, scene.held], ['abc', ['ERR_OP_SUBMIT_REJECTED', 'DEPENDENCY_HELD']])
    assert.deepEqual(scene.reload('later').view, 'abc')
    for (const seq of [1, 2]) scene.on({ t: 'retry', name: { src: 'me', seq } })
    assert.deepEqual([scene.view, scene.held], ['abc!', []])
  })

  it('[U160] also where the document was deleted on top of it', () => {
    const scene = new Scene()
      .online('abc')
      .edit([1, { d: 1 }])
      .on({ t: 'undo' })
    scene.on({ t: 'edit', change: { del: true } }).refuse('ERR_OP_SUBMIT_REJECTED', 1)
    assert.deepEqual(scene.held, ['ERR_OP_SUBMIT_REJECTED', 'DEPENDENCY_HELD'])
    assert.deepEqual(scene.pending, ['me:3'])
  })

  it('[U160] an undo that has nothing to do with what was refused goes on', () => {
    const scene = new Scene().online('abc').edit([3, 'd']).on({ t: 'undo' })
    scene.refuse('ERR_OP_SUBMIT_REJECTED', 1)
    assert.deepEqual([scene.view, scene.held], ['abc', ['ERR_OP_SUBMIT_REJECTED']])
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
