/** What holds of a collection that is exported and imported, whatever engine the databases are of. */

import assert from 'node:assert/strict'
import type { Engine } from '../../server/store/engine.ts'
import { exportCollection } from '../../server/store/export.ts'
import { importCollection } from '../../server/store/import.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { text } from '../../types/index.ts'
import { Random } from '../random.ts'
import type { TestEngine } from './engines.ts'
import { Places, sound, tellAll } from './everything.ts'
import { timeOf, writeHistory } from './histories.ts'
import { small } from './place.ts'
import { keyOf, submit } from './writer.ts'

const coded = (code: string) => (error: { code?: string }) => error.code === code
const note = { create: { type: text.uri, data: 'x' } }

export async function exported(engine: Engine, collection = 'notes'): Promise<string> {
  let all = ''
  for await (const some of exportCollection(engine, collection)) all += some
  return all
}

/** In chunks that do not end where lines do, nor characters. */
export async function* chunked(all: string): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(all)
  for (let i = 0; i < bytes.length; i += 1009) yield bytes.subarray(i, i + 1009)
}

export function exportingContract({ title, place: makePlace, cases }: TestEngine): void {
  describe(`exporting and importing: ${title}`, function () {
    this.timeout(60_000)
    let places: Places
    beforeEach(() => {
      places = new Places(makePlace)
    })
    afterEach(() => places.remove())

    it('[S47] imports what was exported: the same documents at every version, receipts, names and marks', async () => {
      let trimmed = 0
      for (let seed = 40; seed < 40 + cases(20); seed++) {
        const place = await places.written(seed)
        const engine = await places.engine(place)
        const all = await exported(engine)
        const other = await places.place()
        const into = await places.engine(other)
        const imported = await importCollection(into, chunked(all), small)
        const { documents, ops } = sound(await verifyStore(into))
        assert.deepEqual(imported, { collection: 'notes', documents, ops, known: 0 })
        assert.equal(documents, 3)
        const behindHeader = (lines: string) => lines.split('\n').slice(1)
        assert.deepEqual(behindHeader(await exported(into)), behindHeader(all), `seed ${seed}`)
        const [here, there] = [await places.store(place), await places.store(other)]
        for (const { id } of await engine.keys(null, 99, 'notes')) {
          assert.deepEqual(await tellAll(there, id), await tellAll(here, id), `seed ${seed} ${id}`)
        }
        if ((await here.head(keyOf('long'))).horizon > 0) trimmed++
        assert.equal((await there.changed('notes', { after: 0, limit: 9 })).length, 3)
        // History goes on there as it would have here, and can be trimmed.
        await writeHistory(there, 'long', new Random(seed), 20, 10, 9)
        await there.tended()
        await there.trim(timeOf(40))
        sound(await verifyStore(into))
        await places.close()
      }
      assert.ok(trimmed >= cases(5) && trimmed <= cases(19), `${trimmed}`)
    })

    it('[S47] imports into another collection, beside what is there', async () => {
      const place = await places.written(41)
      const engine = await places.engine(place)
      const all = await exported(engine)
      await importCollection(engine, chunked(all), { ...small, into: 'copies' })
      assert.equal(sound(await verifyStore(engine)).documents, 7)
      const behindHeader = (lines: string) => lines.split('\n').slice(1)
      assert.deepEqual(behindHeader(await exported(engine, 'copies')), behindHeader(all))
      await assert.rejects(exported(engine, 'nobody'), coded('NOT_FOUND'))
    })

    it('[S47] exports nothing of a history that does not hold', async () => {
      const place = await places.written(41)
      await place.meddle("UPDATE ops SET at = at + 1, body = replace(body, '}', ' }')")
      await assert.rejects(exported(await places.engine(place)), coded('STORE_CORRUPT'))
    })

    it('[S49] passes over a document that is there with the same history, refuses another history', async () => {
      const place = await places.written(42)
      const engine = await places.engine(place)
      const all = await exported(engine)
      const other = await places.place()
      const into = await places.engine(other)
      // As a killed import leaves it.
      const second = all.split('\n').findIndex((line, i) => i > 1 && line.startsWith('{"doc"'))
      const cut = all
        .split('\n')
        .slice(0, second + 1)
        .join('\n')
      await assert.rejects(importCollection(into, chunked(cut), small), coded('IMPORT_INVALID'))
      assert.equal(sound(await verifyStore(into)).documents, 1)
      const rest = await importCollection(into, chunked(all), small)
      assert.deepEqual([rest.documents, rest.known], [2, 1])
      const again = await importCollection(into, chunked(all), small)
      assert.deepEqual([again.documents, again.ops, again.known], [0, 0, 3])
      const store = await places.store(other)
      await store.close()
      const third = await places.place()
      const parted = await places.store(third)
      await submit(parted, keyOf('turning'), note)
      const refused = importCollection(await places.engine(third), chunked(all), small)
      await assert.rejects(refused, (error: Error & { code?: string }) => {
        return error.code === 'DOCUMENT_EXISTS' && error.message.includes('"turning"')
      })
      assert.deepEqual((await parted.snapshot(keyOf('turning'))).data, 'x')
      assert.equal(
        (await parted.head(keyOf('long'))).v,
        (await (await places.store(place)).head(keyOf('long'))).v,
      )
    })

    it('[S49] takes the place of a document that nobody wrote yet', async () => {
      const place = await places.written(43)
      const all = await exported(await places.engine(place))
      const into = await places.engine(await places.place())
      const { num } = await into.touch(keyOf('long'))
      await into.saveMark(num, { name: 'left over', v: 0, at: 1 })
      await importCollection(into, chunked(all), small)
      assert.equal((await into.marks(num)).length, 2)
      sound(await verifyStore(into))
    })
  })
}
