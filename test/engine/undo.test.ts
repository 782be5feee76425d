import assert from 'node:assert/strict'
import fc from 'fast-check'
import { restore, save } from '../../client/engine/checkpoint.ts'
import { type ReplicaEvent, reduce } from '../../client/engine/replica.ts'
import { nothing, type Replica } from '../../client/engine/state.ts'
import { takeBack, UNDO_CHARS, UNDO_LAYERS, type Way } from '../../client/engine/undo.ts'
import { type Content, equalContents } from '../../ops/change.ts'
import { type RichDoc, type TextOp, type TypeName, text, typeNames, typeOf } from '../../types/index.ts'
import { Random } from '../random.ts'
import { randomDoc, randomOp } from '../types/generators.ts'
import { Scene } from './scene.ts'

/** A person at a document whose edits are on the server at once, so that others write on what the person sees. */
class Desk {
  replica: Replica
  readonly events: ReplicaEvent[] = []

  constructor(type: TypeName, data: unknown) {
    this.replica = nothing
    this.tell({ t: 'begin', src: 'me' })
    this.tell({ t: 'snapshot', v: 1, content: { type, data }, own: [] })
  }
  get view(): Content {
    return this.replica.view
  }
  get data(): unknown {
    return this.view.data
  }
  get depth(): number {
    return this.replica.undo.undo.length
  }
  tell(event: ReplicaEvent): void {
    this.replica = reduce(this.replica, event)[0]
    this.events.push(event)
  }
  edit(op: unknown, joins = false): this {
    this.tell({ t: 'edit', change: { op }, ...(joins && { joins }) })
    return this.commit()
  }
  others(op: unknown): this {
    this.tell({ t: 'steps', steps: [{ n: 1, change: { op } }] })
    return this
  }
  /** Whether anything changed. */
  go(way: Way): boolean {
    const taken = takeBack(this.replica.undo, way, this.view)
    if (taken === null) return false
    this.tell({ t: way, ...taken })
    if (taken.op === undefined) return false
    this.commit()
    return true
  }
  undoAll(): void {
    while (this.go('undo'));
  }
  commit(): this {
    this.tell({ t: 'seal' })
    this.tell({ t: 'ack' })
    return this
  }
}

/** For a number of seeds; fast-check finds a small one that fails. */
const forSeeds = (numRuns: number, check: (rng: Random) => void) =>
  fc.assert(
    fc.property(fc.nat(), seed => check(new Random(seed))),
    { numRuns },
  )

const opFor = (desk: Desk, rng: Random): unknown => {
  const { type, data } = desk.view
  return randomOp(typeOf(type!), data, rng)
}

/** Edits in groups, others between, undos and redos. */
function live(desk: Desk, rng: Random): void {
  for (let i = 4 + rng.int(12); i > 0; i--) {
    const chance = rng.next()
    if (chance < 0.45) desk.edit(opFor(desk, rng), rng.chance(0.4))
    else if (chance < 0.75) desk.others(opFor(desk, rng))
    else desk.go(chance < 0.9 ? 'undo' : 'redo')
  }
}

describe('undo', () => {
  for (const type of typeNames) {
    it(`[U1] ${type}: with nobody else editing, each undo gives back the document before its group`, () =>
      forSeeds(300, rng => {
        const desk = new Desk(type, randomDoc(typeOf(type), rng))
        const before: Content[] = []
        for (let i = rng.int(12); i > 0; i--) {
          const joins = rng.chance(0.5) && desk.depth > 0
          const { depth, view } = desk
          desk.edit(opFor(desk, rng), joins)
          if (desk.depth > depth) before.push(view)
        }
        for (const view of before.reverse()) {
          // A group whose edits took each other back is skipped.
          if (equalContents(desk.view, view)) continue
          assert.ok(desk.go('undo'))
          assert.ok(equalContents(desk.view, view))
        }
        assert.equal(desk.go('undo'), false)
      }))

    it(`[U2] ${type}: an undo and its redo, or a redo and its undo, give back the view, whoever edited before`, () =>
      forSeeds(300, rng => {
        const desk = new Desk(type, randomDoc(typeOf(type), rng))
        live(desk, rng)
        for (const [there, back] of [
          ['undo', 'redo'],
          ['redo', 'undo'],
        ] as const) {
          const { view } = desk
          if (!desk.go(there)) continue
          if (!equalContents(desk.view, view)) assert.ok(desk.go(back))
          assert.ok(equalContents(desk.view, view))
        }
      }))

    it(`[U6] ${type}: a reload at any event, with or without a checkpoint, undoes to the same document`, () =>
      forSeeds(60, rng => {
        const desk = new Desk(type, randomDoc(typeOf(type), rng))
        live(desk, rng)
        const cut = rng.int(desk.events.length)
        const before = restore(null, desk.events.slice(0, cut))
        const after = restore(structuredClone(save(before)), desk.events.slice(cut))
        assert.deepEqual(save(after), save(desk.replica))
        desk.undoAll()
        const other = Object.assign(new Desk(type, randomDoc(typeOf(type), rng)), { replica: after })
        other.undoAll()
        assert.ok(equalContents(other.view, desk.view))
      }))
  }

  for (const type of ['text', 'rich'] as const) {
    it(`[U3] ${type}: all undone, what others put in and nobody of them took out is there once with their formats, and nothing else`, () =>
      forSeeds(300, rng => {
        const desk = new Desk(type, type === 'text' ? '' : { ops: [] })
        const theirs = new Map<string, object>()
        let next = 0x20000
        for (let i = 6 + rng.int(25); i > 0; i--) {
          const own = rng.chance(0.5)
          const chance = rng.next()
          const there = [...letters(desk.data)]
          const at = rng.int(there.length + 1)
          const here = there[at]
          if (own && chance < 0.2) desk.go(rng.pick(['undo', 'undo', 'redo']))
          else if (here && chance < 0.45) {
            put(desk, own, erase(type, at))
            if (!own) theirs.delete(here[0])
          } else if (here && type === 'rich' && chance < 0.65) {
            const [key, value] = [rng.pick(['bold', 'italic']), rng.chance(0.6) || null]
            put(desk, own, {
              ops: [...(at > 0 ? [{ retain: 2 * at }] : []), { retain: 2, attributes: { [key]: value } }],
            })
            if (!own && theirs.has(here[0])) theirs.set(here[0], formatted(theirs.get(here[0])!, key, value))
          } else {
            const letter = String.fromCodePoint(next++)
            put(desk, own, insert(type, at, letter))
            if (!own) theirs.set(letter, {})
          }
        }
        desk.undoAll()
        const left = [...letters(desk.data)]
        assert.deepEqual(new Map(left), theirs)
        assert.equal(left.length, theirs.size)
      }))
  }

  it('[U4] json: all undone, a key has the value of others that stands there, else the last one that was hidden by one’s own hand', () =>
    forSeeds(500, rng => {
      const desk = new Desk('json', {})
      const at = (key: string) => (desk.data as Record<string, number>)[key]
      const foreign = new Set<number>()
      const hidden: Record<string, number[]> = { a: [], b: [] }
      for (let i = 1; i < 6 + rng.int(25); i++) {
        const key = rng.pick(['a', 'b'])
        const removes = at(key) !== undefined
        const inserts = !removes || rng.chance(0.6)
        const op = [key, { ...(removes && { r: true }), ...(inserts && { i }) }]
        if (rng.chance(0.5)) {
          if (foreign.has(at(key)!)) hidden[key]!.push(at(key)!)
          desk.edit(op)
        } else {
          desk.others(op)
          if (inserts) foreign.add(i)
        }
      }
      const wanted = ['a', 'b'].flatMap(key => {
        const value = foreign.has(at(key)!) ? at(key) : hidden[key]!.at(-1)
        return value === undefined ? [] : [[key, value]]
      })
      desk.undoAll()
      assert.deepEqual(desk.data, Object.fromEntries(wanted))
    }))

  it('[U4] json: what others wrote inside a value of one goes with it', () => {
    const desk = new Desk('json', {})
      .edit(['list', { i: [] }])
      .others(['list', 0, { i: 'theirs' }])
      .others(['kept', { i: 1 }])
    desk.undoAll()
    assert.deepEqual(desk.data, { kept: 1 })
  })

  it('[U5] of two who type one paragraph letter by letter, each takes back all of its own, and the text is the other’s', () => {
    for (const way of ['joined', 'apart']) {
      const desk = new Desk('text', '')
      for (let i = 0; i < 10; i++) {
        desk.edit([...skip(2 * i), 'm'], way === 'joined')
        desk.others([2 * i + 1, String(i)])
      }
      desk.go('undo')
      assert.equal(desk.data, way === 'joined' ? '0123456789' : 'm0m1m2m3m4m5m6m7m89')
      desk.undoAll()
      assert.equal(desk.data, '0123456789')
      while (desk.go('redo'));
      assert.equal(desk.data, 'm0m1m2m3m4m5m6m7m8m9')
    }
  })

  it('[U6] a checkpoint from before one could undo is read as one with nothing to undo', () => {
    const desk = new Desk('text', 'old').edit([3, '!'])
    const { undo: _, ...old } = save(desk.replica)
    const { undo, view } = restore(old, [])
    assert.deepEqual([takeBack(undo, 'undo', view), view.data], [null, 'old!'])
  })

  it('[U7] undoing is an edit: shown, logged with what it does, sealed, sent, and merged over what was missed offline', () => {
    const scene = new Scene().online('base').on({ t: 'down' })
    scene.edit([4, ' one']).edit([8, ' two'])
    const shown = scene.shown.length
    scene.on({ t: 'undo' })
    assert.deepEqual(scene.shown.slice(shown), [{ op: [8, { d: 4 }] }])
    assert.deepEqual(scene.log.at(-1), { t: 'undo', groups: 1, op: [8, { d: 4 }] })
    const again = scene.reload('later')
    assert.equal(again.view, 'base one')
    again.on({ t: 'up' })
    assert.equal(again.log.at(-1)!.t, 'begin', 'an entry of a former life is sealed already')
    again.answer({ segments: [{ n: 1, op: ['> '] }] }, 2)
    assert.equal(again.view, '> base one')
    again.on({ t: 'redo' })
    assert.equal(again.view, '> base one two')
    again.on({ t: 'undo' }).on({ t: 'undo' })
    assert.equal(again.view, '> base')
    again.on({ t: 'undo' })
    assert.equal(again.view, '> base')
  })

  it('[U7] an event of the log that undoes does so whatever is on the stack when it is folded', () => {
    const events: ReplicaEvent[] = [
      { t: 'begin', src: 'me' },
      { t: 'snapshot', v: 1, content: { type: 'text', data: 'abc' }, own: [] },
      { t: 'undo', groups: 3, op: [{ d: 1 }] },
    ]
    assert.equal(restore(null, events).view.data, 'bc')
  })

  it('[U8] a group that others have made into nothing is skipped, and with none left the stack is empty', () => {
    const desk = new Desk('text', '')
    desk
      .edit(['kept '])
      .edit([5, 'gone'])
      .others([5, { d: 4 }])
    assert.ok(desk.go('undo'))
    assert.equal(desk.data, '')
    desk.edit(['gone']).others([{ d: 4 }])
    assert.deepEqual([desk.depth, desk.go('undo'), desk.depth], [1, false, 0])
  })

  it('[U8] a group that does not fit any more ends the stack', () => {
    const most = Number.MAX_SAFE_INTEGER
    const desk = new Desk('json', { n: 10, s: 'a' })
    desk.edit(['s', { es: ['b'] }]).edit(['n', { ena: -5 }])
    desk.others(['n', { ena: most - 5 }])
    assert.deepEqual([desk.go('undo'), desk.depth], [false, 0])
    assert.deepEqual(desk.data, { n: most, s: 'ba' })
  })

  it('[U9] an edit after an undo ends what can be redone, and joins nothing', () => {
    const desk = new Desk('text', '').edit(['a']).edit([1, 'b'])
    desk.go('undo')
    desk.edit([1, 'c'], true)
    assert.equal(desk.go('redo'), false)
    desk.go('undo')
    assert.equal(desk.data, 'a')
  })

  it('[U10] nothing before the creation or the deletion of the document can be undone, nor these', () => {
    const scene = new Scene().create('mine').on({ t: 'undo' })
    assert.equal(scene.view, 'mine')
    scene.edit([4, '!']).on({ t: 'undo' })
    assert.equal(scene.view, 'mine')
    scene.on({ t: 'redo' }).on({ t: 'edit', change: { del: true } })
    for (const t of ['undo', 'redo'] as const) scene.on({ t })
    assert.equal(scene.view, undefined)
    const other = new Scene().online('theirs').edit([6, '!'])
    other
      .ack(1, 1)
      .remote(2, { del: true })
      .remote(3, { create: { type: text.uri, data: 'new' } })
    other.on({ t: 'undo' })
    assert.equal(other.view, 'new')
  })

  it('[U11] what is held leaves nothing to undo, and what is put back is not undone with it', () => {
    const scene = new Scene().online('base')
    scene.edit([4, ' bad']).refuse('ERR_OP_SUBMIT_REJECTED', 1)
    assert.deepEqual([scene.view, scene.held], ['base', ['ERR_OP_SUBMIT_REJECTED']])
    scene.on({ t: 'undo' })
    assert.equal(scene.view, 'base')
    scene.edit(['> ']).on({ t: 'retry', name: { src: 'me', seq: 1 } })
    assert.equal(scene.view, '> base bad')
    scene.on({ t: 'undo' })
    assert.equal(scene.view, 'base bad')
  })

  it('[U11] a correction by the server’s copy, and a leap over history, count as somebody else’s', () => {
    const corrected = new Scene().online('abc', 1).edit([3, 'x']).on({ t: 'down' }).on({ t: 'up' })
    corrected.answer({ segments: [{ n: 1, op: [3, 'xyz'], own: ['me', 1] }] }, 2)
    assert.equal(corrected.view, 'abcxyz')
    corrected.on({ t: 'undo' })
    assert.equal(corrected.view, 'abcyz')
    const leapt = new Scene().online('abc', 1).edit([3, 'x']).on({ t: 'down' }).on({ t: 'up' })
    leapt.answer({ snapshot: { type: text.uri, data: '12abc' }, own: [] }, 9)
    assert.equal(leapt.view, '12abcx')
    leapt.on({ t: 'undo' })
    assert.equal(leapt.view, '12abc')
  })

  it('[U12] the stacks have their limits: whole groups go, the oldest first', () => {
    const many = new Desk('text', '')
    for (let i = 0; i < UNDO_LAYERS + 50; i++) many.edit([...skip(i), 'x'])
    assert.equal(many.depth, UNDO_LAYERS)
    many.undoAll()
    assert.equal(many.data, 'x'.repeat(50))

    const part = 'y'.repeat(UNDO_CHARS / 10)
    const large = new Desk('text', part.repeat(12))
    for (let i = 0; i < 12; i++) large.edit([{ d: part.length }])
    assert.ok(large.depth < 10 && large.replica.undo.chars <= UNDO_CHARS)
    assert.ok(JSON.stringify(save(large.replica).undo).length <= UNDO_CHARS)
    const { depth } = large
    large.undoAll()
    assert.equal((large.data as string).length, depth * part.length)

    const joined = new Desk('text', '')
    for (let i = 0; i <= UNDO_LAYERS; i++) joined.edit([...skip(2 * i), 'm'], true).others([2 * i + 1, 't'])
    assert.ok(joined.depth < UNDO_LAYERS)
    joined.undoAll()
    assert.ok((joined.data as string).startsWith('mt'))
  })

  it('[U12] what others write counts, too, and a short stack under a long rewrite is measured, not dropped', () => {
    const desk = new Desk('text', '').edit(['mine'])
    const line = 'z'.repeat(1000)
    for (let i = 0; i < 1000; i++) desk.others([4, line]).others([4, { d: 1000 }])
    assert.equal(desk.depth, 1)
    desk.others([4, 'z'.repeat(UNDO_CHARS)])
    assert.equal(desk.depth, 0)
  })

  it('[U17] an edit of others costs a compose of little, an own one of a long group too, and nothing is transformed before an undo', () => {
    const counted = { composed: 0, transformed: 0 }
    const { compose, transform } = text
    Object.assign(text, {
      compose: (a: TextOp, b: TextOp) => {
        counted.composed += a.length + b.length
        return compose(a, b)
      },
      transform: (...args: Parameters<typeof transform>) => {
        counted.transformed++
        return transform(...args)
      },
    })
    try {
      const n = 4000
      const desk = new Desk('text', '.'.repeat(2 * n)).edit(['mine'])
      // Every second letter, so that no two components join.
      for (let i = 0; i < n; i++) desk.others([4 + (i % n) * 2, 'x', { d: 1 }])
      for (let i = 0; i < n; i++) desk.edit([5 + (i % n) * 2, 'y', { d: 1 }], true)
      assert.equal(counted.transformed, 0)
      assert.ok(counted.composed < 2 * n * 6 * Math.log2(n), String(counted.composed))
      desk.undoAll()
      assert.ok(counted.transformed < 10, String(counted.transformed))
    } finally {
      Object.assign(text, { compose, transform })
    }
  })
})

function put(desk: Desk, own: boolean, op: unknown): void {
  if (own) desk.edit(op)
  else desk.others(op)
}

const skip = (n: number): number[] => (n > 0 ? [n] : [])

/** The letters of a document in which every one is of two units and has its own run or is told by its formats. */
function* letters(data: unknown): Generator<[letter: string, formats: object]> {
  if (typeof data === 'string') for (const letter of data) yield [letter, {}]
  else
    for (const { insert, attributes = {} } of (data as RichDoc).ops)
      for (const letter of insert as string) yield [letter, attributes]
}

const insert = (type: TypeName, at: number, letter: string): unknown =>
  type === 'text'
    ? [...skip(at), letter]
    : { ops: [...(at > 0 ? [{ retain: 2 * at }] : []), { insert: letter }] }

const erase = (type: TypeName, at: number): unknown =>
  type === 'text'
    ? [...skip(at), { d: 1 }]
    : { ops: [...(at > 0 ? [{ retain: 2 * at }] : []), { delete: 2 }] }

function formatted(formats: object, key: string, value: unknown): object {
  const { [key]: _, ...rest } = formats as Record<string, unknown>
  return value === null ? rest : { ...rest, [key]: value }
}
