/** That verifying finds what is wrong, and names it: one planted corruption for each thing that it looks at. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WireChange } from '../../ops/protocol.ts'
import { restore } from '../../server/store/backup.ts'
import { chained } from '../../server/store/chain.ts'
import type { Engine } from '../../server/store/engine.ts'
import { backUp } from '../../server/store/open.ts'
import type { Store } from '../../server/store/store.ts'
import { type Subject, verifyStore } from '../../server/store/verify.ts'
import { text } from '../../types/index.ts'
import { timeOf } from './histories.ts'
import type { DatabasePlace } from './place.ts'
import { changed, commitOn, fetched, keyOf } from './writer.ts'

const [LONG, TURNING, TRIMMED] = [1, 2, 3]
const DAY = 86_400_000

/** Versions of a text by two writers, from `start`; deleted and made anew at version 6 if it `turns`. */
async function type(store: Store, id: string, count: number, start: number, turns = false): Promise<void> {
  let snapshot = await fetched(store, keyOf(id))
  for (let v = snapshot.v; v < count; v++) {
    const typed: WireChange = { op: v % 5 === 0 ? ['ab'] : [v % 5, 'c'] }
    const created: WireChange = { create: { type: text.uri, data: `${id} ${v}` } }
    const change = turns && v === 6 ? { del: true as const } : snapshot.type === null ? created : typed
    const name = { src: v % 4 < 2 ? 'me' : 'you', seq: v + 1 }
    assert.equal(await commitOn(store, keyOf(id), snapshot, change, name, start + timeOf(v)), true)
    snapshot = changed(snapshot, change)
  }
  await store.tended()
}

/** A long document with a named version, one that turns, one trimmed to version 10, each with packs, rows and rungs. */
export async function writeFixture(place: DatabasePlace): Promise<void> {
  const store = await place.store()
  await type(store, 'long', 30, DAY)
  await type(store, 'turning', 14, DAY, true)
  await type(store, 'trimmed', 30, 0)
  await store.history.mark(keyOf('long'), 'draft', 9)
  await store.trim(timeOf(10))
  assert.equal((await store.head(keyOf('trimmed'))).horizon, 10)
  await type(store, 'long', 31, DAY)
  await store.close()
}

interface Corruption {
  readonly what: string
  /** Statements, or work that needs to know what is there. */
  readonly plant: string | ((place: DatabasePlace, engine: Engine) => Promise<void>)
  readonly subject: Subject
  /** Of the document that is named; null where none is. */
  readonly id: string | null
  readonly v?: number | null
}

/** Puts `body` in the place of the last op of the long document, as if it had been committed so, by the seq `seq`. */
const forge =
  (body: string, seq?: number) =>
  async (place: DatabasePlace, engine: Engine): Promise<void> => {
    const [before, last] = await engine.ops(LONG, 29, 31)
    const hash = chained(before!.hash, last!.src, seq ?? last!.seq, body)
    await place.meddle(`
      UPDATE ops SET body = '${body}', hash = '${hash}', seq = ${seq ?? last!.seq} WHERE doc = ${LONG} AND v = 30;
      UPDATE docs SET hash = '${hash}' WHERE num = ${LONG}`)
  }

const long = { id: 'long' }
const turning = { id: 'turning' }
const trimmed = { id: 'trimmed' }
const nobody = { id: null }
const at = (doc: number, v: number) => `doc = ${doc} AND v = ${v}`

const corruptions: readonly Corruption[] = [
  { what: 'no epoch', plant: 'DELETE FROM facts', subject: 'epoch', ...nobody },

  {
    what: 'a row that is gone',
    plant: `DELETE FROM ops WHERE ${at(LONG, 28)}`,
    subject: 'version',
    ...long,
    v: 28,
  },
  {
    what: 'the last row gone',
    plant: `DELETE FROM ops WHERE ${at(LONG, 30)}`,
    subject: 'version',
    ...long,
    v: 30,
  },
  {
    what: 'a pack that is gone',
    plant: `DELETE FROM packs WHERE ${at(LONG, 8)}`,
    subject: 'version',
    ...long,
    v: 8,
  },
  {
    what: 'a pack without its ops',
    plant: `UPDATE packs SET body = NULL WHERE ${at(LONG, 8)}`,
    subject: 'version',
    ...long,
    v: 8,
  },
  {
    what: 'the pack in which the history begins without its ops',
    plant: `UPDATE packs SET body = NULL WHERE ${at(TRIMMED, 8)}`,
    subject: 'version',
    ...trimmed,
    v: 8,
  },
  {
    what: 'a trimmed pack without its names',
    plant: `UPDATE packs SET names = NULL WHERE ${at(TRIMMED, 4)}`,
    subject: 'pack',
    ...trimmed,
    v: 4,
  },
  {
    what: 'a trimmed pack with the names of another',
    plant: `UPDATE packs SET names = (SELECT names FROM packs WHERE ${at(TRIMMED, 0)}) WHERE ${at(TRIMMED, 4)}`,
    subject: 'pack',
    ...trimmed,
    v: 4,
  },
  {
    what: 'an op in a pack and in a row',
    plant: `INSERT INTO ops (doc, v, writer, seq, at, body, meta, hash)
      SELECT doc, 23, NULL, NULL, at, body, meta, hash FROM ops WHERE ${at(LONG, 28)}`,
    subject: 'version',
    ...long,
    v: 23,
  },
  {
    what: 'an op behind the head',
    plant: `INSERT INTO ops (doc, v, writer, seq, at, body, meta, hash)
      SELECT doc, 31, NULL, NULL, at, '{"op":[]}', NULL, '${'0'.repeat(32)}' FROM ops WHERE ${at(LONG, 28)}`,
    subject: 'hash',
    ...long,
    v: 32,
  },
  {
    what: 'a head that went back',
    plant: `UPDATE docs SET v = 29 WHERE num = ${LONG}; DELETE FROM snapshots WHERE doc = ${LONG};
      DELETE FROM rungs WHERE doc = ${LONG} AND v = 28`,
    subject: 'version',
    ...long,
    v: 29,
  },
  {
    what: 'a row before the history',
    plant: `INSERT INTO ops (doc, v, writer, seq, at, body, meta, hash)
      SELECT doc, 3, NULL, NULL, at, body, meta, hash FROM ops WHERE ${at(TRIMMED, 28)}`,
    subject: 'version',
    ...trimmed,
    v: 3,
  },
  {
    what: 'a history that begins after the head',
    plant: `UPDATE docs SET horizon = 99 WHERE num = ${TURNING}; DELETE FROM snapshots WHERE doc = ${TURNING}`,
    subject: 'content',
    ...turning,
  },

  {
    what: 'an op that was changed',
    plant: `UPDATE ops SET body = '{"op":["x"]}' WHERE ${at(LONG, 29)}`,
    subject: 'hash',
    ...long,
    v: 30,
  },
  {
    what: 'a hash that was changed',
    plant: `UPDATE ops SET hash = '${'f'.repeat(32)}' WHERE ${at(LONG, 29)}`,
    subject: 'hash',
    ...long,
    v: 30,
  },
  {
    what: 'a src that was changed',
    plant: `UPDATE ops SET writer = 3 - writer WHERE ${at(LONG, 29)}`,
    subject: 'hash',
    ...long,
    v: 30,
  },
  {
    what: 'the hash of a pack that was changed',
    plant: `UPDATE packs SET hash = '${'f'.repeat(32)}' WHERE ${at(LONG, 8)}`,
    subject: 'hash',
    ...long,
    v: 12,
  },
  {
    what: 'the hash of a trimmed pack that was changed',
    plant: `UPDATE packs SET hash = '${'f'.repeat(32)}' WHERE ${at(TRIMMED, 4)}`,
    subject: 'hash',
    ...trimmed,
    v: 8,
  },
  {
    what: 'the hash of a head that was changed',
    plant: `UPDATE docs SET hash = '${'f'.repeat(32)}' WHERE num = ${LONG}`,
    subject: 'hash',
    ...long,
    v: 31,
  },

  {
    what: 'a pack that cannot be read',
    plant: `UPDATE packs SET body = (SELECT op FROM rungs WHERE doc = ${LONG} AND size = 2 AND v = 4) WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'the ops of another pack',
    plant: `UPDATE packs SET body = (SELECT body FROM packs WHERE ${at(LONG, 4)}) WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'a pack that counts its ops otherwise',
    plant: `UPDATE packs SET n = 3 WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'a pack with another time',
    plant: `UPDATE packs SET "end" = "end" + 1 WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'the summary of another pack',
    plant: `UPDATE packs SET about = (SELECT about FROM packs WHERE ${at(LONG, 4)}) WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'a summary that adds up to more',
    plant: `UPDATE packs SET about = replace(about, '"added":', '"added":1') WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'a summary that cannot be read',
    plant: `UPDATE packs SET about = '{' WHERE ${at(LONG, 8)}`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'a name of a pack gone',
    plant: `DELETE FROM packnames WHERE doc = ${LONG} AND v = 8 AND writer = 1`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'another name of a pack',
    plant: `UPDATE packnames SET seq = seq + 1 WHERE doc = ${LONG} AND v = 8 AND writer = 1`,
    subject: 'pack',
    ...long,
    v: 8,
  },
  {
    what: 'a name of no pack',
    plant: `INSERT INTO packnames (doc, writer, seq, v) VALUES (${LONG}, 1, 99, 77)`,
    subject: 'pack',
    ...long,
    v: 77,
  },

  {
    what: 'a seq in the ledger that was not last',
    plant: `UPDATE writers SET seq = seq - 1 WHERE doc = ${LONG} AND writer = 1`,
    subject: 'ledger',
    ...long,
    v: 29,
  },
  {
    what: 'a version in the ledger that was not last',
    plant: `UPDATE writers SET v = 3 WHERE doc = ${LONG} AND writer = 1`,
    subject: 'ledger',
    ...long,
    v: 29,
  },
  { what: 'a name that was given before', plant: forge('{"op":[]}', 3), subject: 'ledger', ...long, v: 30 },
  {
    what: 'a writer who never wrote',
    plant: `INSERT INTO writers (doc, writer, src, seq, v, seal) VALUES (${LONG}, 3, '"nobody"', 1, 30, NULL);
      UPDATE docs SET writers = 3 WHERE num = ${LONG}`,
    subject: 'ledger',
    ...long,
    v: 30,
  },
  {
    what: 'a writer gone',
    plant: `DELETE FROM writers WHERE doc = ${TURNING} AND writer = 2`,
    subject: 'pack',
    ...turning,
    v: 0,
  },
  {
    what: 'writers that are counted otherwise',
    plant: `UPDATE docs SET writers = 5 WHERE num = ${LONG}`,
    subject: 'ledger',
    ...long,
  },
  {
    what: 'a src that cannot be read',
    plant: `UPDATE writers SET src = 'me' WHERE doc = ${LONG} AND writer = 1`,
    subject: 'ledger',
    ...long,
  },

  {
    what: 'a turn gone',
    plant: `DELETE FROM turns WHERE ${at(TURNING, 6)}`,
    subject: 'turn',
    ...turning,
    v: 6,
  },
  {
    what: 'a turn that is none',
    plant: `INSERT INTO turns (doc, v, type) VALUES (${LONG}, 12, NULL)`,
    subject: 'turn',
    ...long,
    v: 12,
  },
  {
    what: 'a turn of another type',
    plant: `UPDATE turns SET type = 'text' WHERE ${at(TURNING, 7)}`,
    subject: 'turn',
    ...turning,
    v: 7,
  },
  {
    what: 'a head of another type',
    plant: `UPDATE docs SET type = NULL WHERE num = ${LONG}`,
    subject: 'head',
    ...long,
  },
  {
    what: 'a head of another time',
    plant: `UPDATE docs SET at = at + 1 WHERE num = ${LONG}`,
    subject: 'head',
    ...long,
  },
  {
    what: 'an id that cannot be read',
    plant: `UPDATE docs SET id = 'x' WHERE num = ${LONG}`,
    subject: 'head',
    ...nobody,
  },

  {
    what: 'an op that does not fit',
    plant: forge('{"op":[999999,"x"]}'),
    subject: 'content',
    ...long,
    v: 30,
  },
  {
    what: 'a create on what exists',
    plant: forge(`{"create":{"type":"${text.uri}"}}`),
    subject: 'turn',
    ...long,
    v: 30,
  },
  { what: 'an op that is no JSON', plant: forge('{"op":['), subject: 'content', ...long, v: 30 },
  {
    what: 'nothing that says with what a trimmed history begins',
    plant: `DELETE FROM milestones WHERE doc = ${TRIMMED}`,
    subject: 'content',
    ...trimmed,
    v: 10,
  },
  {
    what: 'no way to where a trimmed history begins',
    plant: `DELETE FROM rungs WHERE doc = ${TRIMMED} AND v >= 6 AND v < 10`,
    subject: 'content',
    ...trimmed,
  },

  {
    what: 'another content in a snapshot',
    plant: `UPDATE snapshots SET data = '"x"' WHERE doc = ${LONG}`,
    subject: 'snapshot',
    ...long,
  },
  {
    what: 'a snapshot that says the document is deleted',
    plant: `UPDATE snapshots SET type = NULL, data = NULL WHERE doc = ${LONG}`,
    subject: 'snapshot',
    ...long,
  },
  {
    what: 'a snapshot that cannot be read',
    plant: `UPDATE snapshots SET data = '{' WHERE doc = ${LONG}`,
    subject: 'snapshot',
    ...long,
  },
  {
    what: 'a snapshot that is no document of its type',
    plant: `UPDATE snapshots SET data = '5' WHERE doc = ${LONG}`,
    subject: 'snapshot',
    ...long,
  },
  {
    what: 'a snapshot of the future',
    plant: `UPDATE snapshots SET v = 32 WHERE doc = ${LONG}`,
    subject: 'snapshot',
    ...long,
    v: 32,
  },
  {
    what: 'no snapshot where the history was trimmed',
    plant: `DELETE FROM snapshots WHERE doc = ${TRIMMED}`,
    subject: 'snapshot',
    ...trimmed,
  },
  {
    what: 'another content in a milestone',
    plant: `UPDATE milestones SET v = 8 WHERE ${at(LONG, 9)}`,
    subject: 'milestone',
    ...long,
    v: 8,
  },
  {
    what: 'a milestone that cannot be read',
    plant: `UPDATE milestones SET data = (SELECT body FROM packs WHERE ${at(LONG, 4)}) WHERE ${at(LONG, 9)}`,
    subject: 'milestone',
    ...long,
    v: 9,
  },
  {
    what: 'a milestone of the future',
    plant: `UPDATE milestones SET v = 99 WHERE ${at(LONG, 9)}`,
    subject: 'milestone',
    ...long,
    v: 99,
  },

  {
    what: 'a rung of other ops',
    plant: `UPDATE rungs SET op = (SELECT op FROM rungs WHERE doc = ${LONG} AND size = 2 AND v = 4)
      WHERE doc = ${LONG} AND size = 2 AND v = 18`,
    subject: 'rung',
    ...long,
    v: 18,
  },
  {
    what: 'a wide rung of other ops',
    plant: `UPDATE rungs SET op = (SELECT op FROM rungs WHERE doc = ${LONG} AND size = 2 AND v = 4)
      WHERE doc = ${LONG} AND size = 8 AND v = 16`,
    subject: 'rung',
    ...long,
    v: 16,
  },
  {
    what: 'a rung that cannot be read',
    plant: `UPDATE rungs SET op = (SELECT body FROM packs WHERE ${at(LONG, 4)})
      WHERE doc = ${LONG} AND size = 2 AND v = 18`,
    subject: 'rung',
    ...long,
    v: 18,
  },
  {
    what: 'a rung that begins elsewhere',
    plant: `UPDATE rungs SET v = 19 WHERE doc = ${LONG} AND size = 2 AND v = 18`,
    subject: 'rung',
    ...long,
    v: 19,
  },
  {
    what: 'a rung of the future',
    plant: `UPDATE rungs SET v = 40 WHERE doc = ${LONG} AND size = 2 AND v = 18`,
    subject: 'rung',
    ...long,
    v: 40,
  },
  {
    what: 'a rung over a deletion',
    plant: `UPDATE rungs SET v = 6 WHERE doc = ${TURNING} AND size = 2 AND v = 8`,
    subject: 'rung',
    ...turning,
    v: 6,
  },
  {
    what: 'a rung of a trimmed history that cannot be read',
    plant: `UPDATE rungs SET op = (SELECT body FROM packs WHERE ${at(LONG, 4)})
      WHERE doc = ${TRIMMED} AND size = 2 AND v = 4`,
    subject: 'rung',
    ...trimmed,
    v: 4,
  },

  {
    what: 'a named version that is not there',
    plant: `UPDATE marks SET v = 99 WHERE doc = ${LONG}`,
    subject: 'mark',
    ...long,
    v: 99,
  },
  {
    what: 'a name that cannot be read',
    plant: "UPDATE marks SET name = 'x'",
    subject: 'mark',
    ...long,
    v: 9,
  },
  {
    what: 'a named version that is not kept',
    plant: `DELETE FROM milestones WHERE ${at(LONG, 9)}`,
    subject: 'mark',
    ...long,
    v: 9,
  },
  {
    what: 'credits of another document',
    plant: `UPDATE credits SET doc = ${LONG}`,
    subject: 'credits',
    ...long,
  },
  {
    what: 'credits of another version',
    plant: 'UPDATE credits SET v = v + 1',
    subject: 'credits',
    ...trimmed,
    v: 11,
  },
  {
    what: 'credits that cannot be read',
    plant: `UPDATE credits SET runs = (SELECT body FROM packs WHERE ${at(LONG, 4)})`,
    subject: 'credits',
    ...trimmed,
    v: 10,
  },
  {
    what: 'no credits where the history was trimmed',
    plant: 'DELETE FROM credits',
    subject: 'credits',
    ...trimmed,
  },

  {
    what: 'a change that has not come yet',
    plant: `UPDATE docs SET change = 999 WHERE num = ${LONG}`,
    subject: 'change',
    ...long,
  },
  {
    what: 'a change of none',
    plant: `UPDATE docs SET change = 0 WHERE num = ${LONG}`,
    subject: 'change',
    ...long,
  },
  {
    what: 'a collection that is ahead',
    plant: 'UPDATE collections SET change = change + 1',
    subject: 'change',
    ...nobody,
  },
  { what: 'a collection gone', plant: 'DELETE FROM collections', subject: 'change', ...long },
  {
    what: 'a collection without documents',
    plant: `INSERT INTO collections (name, change) VALUES ('"lost"', 3)`,
    subject: 'change',
    ...nobody,
  },
  { what: 'a document gone', plant: `DELETE FROM docs WHERE num = ${TURNING}`, subject: 'row', ...nobody },
  {
    what: 'the last document gone',
    plant: `DELETE FROM docs WHERE num = ${TRIMMED}`,
    subject: 'row',
    ...nobody,
  },
]

export function verifyingContract(title: string, makePlace: () => Promise<DatabasePlace>): void {
  describe(`verifying a database: ${title}`, () => {
    let folder: string
    let backup: string
    let place: DatabasePlace
    let engine: Engine

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-verifying-'))
      backup = join(folder, 'backup.sqlite')
      const first = await makePlace()
      await writeFixture(first)
      await backUp(first.settings, backup)
      await first.remove()
    })
    after(() => rmSync(folder, { recursive: true }))
    beforeEach(async () => {
      place = await makePlace()
      engine = await place.engine()
      await restore(backup, engine)
    })
    afterEach(async () => {
      await engine.close()
      await place.remove()
    })

    it('[S46] finds nothing in what the corruptions are planted in', async () => {
      const { kind, ...counts } = await verifyStore(engine)
      assert.equal(kind, 'sound')
      const { documents, ops, rungs } = counts as { documents: number; ops: number; rungs: number }
      assert.deepEqual([documents, ops], [3, 31 + 14 + 22])
      assert.ok(rungs > 30)
    })

    for (const { what, plant, subject, id, v } of corruptions) {
      it(`[S45] finds ${what}`, async () => {
        await (typeof plant === 'string' ? place.meddle(plant) : plant(place, engine))
        const finding = await verifyStore(engine)
        assert.ok(finding.kind === 'differs')
        const { difference, message } = finding
        const found = [
          difference.subject,
          difference.key?.id ?? null,
          v === undefined ? undefined : difference.v,
        ]
        assert.deepEqual(found, [subject, id, v], message)
        assert.ok(message.includes(subject) && (id === null || message.includes(`"${id}"`)))
      })
    }

    it('[S45] tells a database that cannot be read from one that differs', async () => {
      const away = { ...engine, view: () => Promise.reject(new Error('gone')) } as unknown as Engine
      await assert.rejects(verifyStore(away), { code: 'STORE_FAILED', message: /gone/ })
    })
  })
}
