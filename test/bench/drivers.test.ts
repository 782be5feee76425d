import assert from 'node:assert/strict'
import pg from 'pg'
import { sharedPostgres } from '../harness/shared-postgres.ts'
import { drivers } from './drivers/drivers.ts'
import { documentsOf, type Group, groupOf, tables } from './drivers/work.ts'
import { type Measured, measure, report, rowsOf } from './drivers.ts'

describe('the drivers benchmark', function () {
  this.timeout(60_000)

  for (const work of [{ kind: 'group', size: 3 }, { kind: 'history' }] as const) {
    it(`[N7] every driver ends with what it says it did (${work.kind})`, async () => {
      const plan = { name: 'small', what: 'little', work, delayMs: 1 }
      const measured = await measure(await sharedPostgres(), plan, { rounds: 1, sliceMs: 5 })
      assert.deepEqual(
        measured.map(({ system }) => system),
        Object.keys(drivers),
      )
      for (const { slices, rssBytes } of measured) {
        assert.equal(slices.length, 1)
        assert.ok(slices[0]!.ms > 2, 'nearer than the line is long')
        assert.ok(slices[0]!.cpuMs > 0 && rssBytes > 2 ** 20)
      }
    })
  }

  for (const [name, open] of Object.entries(drivers)) {
    it(`[N7] ${name}: a transaction finds what the last one wrote, and leaves nothing when it fails`, async () => {
      const url = await (await sharedPostgres()).createDatabase()
      const client = new pg.Client(url)
      await client.connect()
      const driver = await open(url)
      try {
        await client.query(tables)
        await client.query(documentsOf(0))
        await driver.transact(groupOf(0, 0, 2))
        const [clock, docs, writers] = await driver.transact(groupOf(0, 1, 2))
        assert.equal(clock!.length, 1)
        assert.deepEqual(docs!.map(([num, v]) => [Number(num), v]).sort(), [
          [0, 1],
          [1, 1],
        ])
        assert.deepEqual(
          writers!.map(([, seq, v, seal]) => [seq, v, (seal as Buffer).length]),
          [
            [1, 0, 32],
            [1, 0, 32],
          ],
        )
        await assert.rejects(driver.transact(failing(groupOf(0, 2, 2))), { code: '22012' })
        const { rows } = await client.query('SELECT count(*)::int AS ops, max(v) AS v FROM ops')
        assert.deepEqual(rows, [{ ops: 4, v: 1 }])
        await driver.transact(groupOf(0, 2, 2))
      } finally {
        await driver.close()
        await client.end()
      }
    })
  }

  it('[N5] its figures are medians, each beside the best, and rows', () => {
    const measured = (system: string, ms: number): Measured => ({
      case: 'single',
      system,
      slices: [1, 3, 2].map(times => ({ count: 9, ms: ms * times, cpuMs: times })),
      rssBytes: 2 ** 26,
    })
    const both = [measured('pg', 10), measured('postgres', 15)]
    assert.match(report('single', both), /pg +20 \(10-30\) +1 +2 +64\npostgres +30 \(15-45\) +1\.5 +2 +64/)
    assert.deepEqual(rowsOf(both).slice(0, 3), [
      { case: 'single', metric: 'time_ms', system: 'pg', value: 20 },
      { case: 'single', metric: 'cpu_ms', system: 'pg', value: 2 },
      { case: 'single', metric: 'memory_bytes', system: 'pg', value: 2 ** 26 },
    ])
  })
})

/** With a statement in it that fails after others have written. */
function failing({ first, second }: Group): Group {
  const divide = { name: 'divide', text: 'SELECT 1 / $1::int', values: [0] }
  return { first, second: second.toSpliced(1, 0, divide) }
}
