import assert from 'node:assert/strict'
import type { Doc } from '../../client/api.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { change, insertion, tokensOf } from '../sim/edits.ts'
import { House } from './house.ts'

const SEEDS = 150

/** One seed: tabs come, edit and are shown edits in any order, and the hub dies now and then. */
async function live(seed: number, type: TypeName, deaths: boolean, deletes: boolean): Promise<void> {
  const house = new House(seed, type)
  const { random } = house
  const written = new Set<number>()
  const removed = new Set<number>()
  let token = 0
  house.join()
  house.join()
  for (let i = 0; i < 120; i++) {
    const chance = random.next()
    const { doc } = random.pick(house.tabs)
    if (chance < 0.03 && house.tabs.length < 5) house.join()
    else if (deaths && chance < 0.07) await house.die()
    else if (deletes && chance < 0.1 && doc && tokensOf(doc.view.data).length > 0) {
      for (const n of written) removed.add(n)
      doc.edit({ del: true }, false)
    } else if (chance < 0.4 && doc) {
      const made = random.chance(0.8)
        ? { op: insertion(type, doc.view as never, token, random), deleted: null }
        : change(type, doc.view as never as Doc, () => true, random)
      if (made?.deleted != null) removed.add(made.deleted)
      else if (made && tokensOf(made.op).includes(token)) written.add(token++)
      if (made) doc.edit({ op: made.op }, false)
    } else await house.step()
  }
  await house.rest()
  const views = await Promise.all(house.tabs.map(async ({ attachment }) => (await attachment).view))
  const held = (await house.tabs[0]!.attachment).held.flatMap(edit => tokensOf(edit.original))
  const [first, ...others] = views
  for (const view of others) {
    assert.equal(view.type, first!.type)
    assert.ok(typeOf(type).equalDocs(view.data, first!.data), 'two tabs differ')
  }
  const shown = tokensOf(first!.data)
  assert.equal(new Set(shown).size, shown.length, 'an edit is there twice')
  // A deletion takes away what its tab had not seen as well.
  if (deletes) return
  for (const n of written)
    assert.ok(shown.includes(n) || removed.has(n) || held.includes(n), `edit ${n} is nowhere`)
}

describe('tabs on one hub', () => {
  for (const type of ['text', 'rich', 'json'] as const) {
    for (const [what, deaths, deletes] of [
      ['offline, in any order of things', false, false],
      ['also when somebody deletes the document', false, true],
      ['across deaths of the hub at any moment', true, false],
      ['with both', true, true],
    ] as const) {
      it(`[R1] [R2] [R3] tabs converge ${what}, with every edit once (${type})`, async function () {
        this.timeout(60_000)
        for (let seed = 1; seed <= SEEDS; seed++) {
          await live(seed, type, deaths, deletes).catch(error => {
            throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
          })
        }
      })
    }
  }
})
