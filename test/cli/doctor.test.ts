import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { checks, examine } from '../../server/doctor.ts'
import { readSettings, type Settings } from '../../server/settings.ts'
import { openEngine } from '../../server/store/open.ts'
import { clientNames, describeWithRedis, redisForSuite } from '../bus/redis.ts'
import { sharedPostgres } from '../harness/shared-postgres.ts'

describe('The doctor', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  async function lines(overrides: Partial<Settings> = {}): Promise<{ said: string; failed: number }> {
    const said: string[] = []
    const failed = await examine({ ...readSettings(), DATA: dir, ...overrides }, line => void said.push(line))
    assert.equal(said.length, Object.keys(checks).length)
    return { said: said.join('\n'), failed }
  }

  it('[F15] finds nothing to mend where nothing is yet, and makes nothing', async () => {
    const { said, failed } = await lines({ DATA: join(dir, 'data') })
    assert.equal(failed, 0)
    assert.match(said, /^ok {4}store {5}there is none yet/m)
    assert.deepEqual(readdirSync(dir), [])
  })

  it('[F15] leaves a database as it is', async () => {
    await (await openEngine({ ...readSettings(), DATA: dir })).close()
    const before = rowsIn(join(dir, 'holdfast.sqlite'))
    assert.match(before, /epoch/)
    const { said, failed } = await lines()
    assert.equal(failed, 0)
    assert.match(said, /^ok {4}store .*epoch/m)
    assert.equal(rowsIn(join(dir, 'holdfast.sqlite')), before)
  })

  it('[F15] compares the clock with that of Postgres', async () => {
    const place = { ...readSettings(), STORE: await (await sharedPostgres()).createDatabase() }
    assert.match((await lines(place)).said, /^FAIL {2}store .*STORE_MISSING/m, 'it makes no tables')
    await (await openEngine(place)).close()
    const { said, failed } = await lines(place)
    assert.equal(failed, 0)
    assert.match(said, /^ok {4}clock {5}\d+ ms/m)
  })

  const faults: [string, (dir: string) => Partial<Settings> | Promise<Partial<Settings>>, RegExp][] = [
    ['a policy without its key', () => ({ ACCESS: 'jwt' }), /^FAIL {2}settings .*HOLDFAST_JWT_ISSUER/m],
    [
      'a secret that is not there',
      () => ({ METRICS_TOKEN_FILE: '/nowhere' }),
      /^FAIL {2}settings .*METRICS_TOKEN_FILE/m,
    ],
    [
      'a Postgres that is away',
      () => ({ STORE: 'postgres://a:hunter2@127.0.0.1:1/b' }),
      /^FAIL {2}store (?!.*hunter2)/m,
    ],
    ['a file that is no database', spoil, /^FAIL {2}store /m],
  ]
  for (const [what, settings, says] of faults) {
    it(`[F15] tells of ${what}`, async () => {
      const { said, failed } = await lines(await settings(dir))
      assert.ok(failed > 0)
      assert.match(said, says)
    })
  }

  describeWithRedis('with Redis', () => {
    const redis = redisForSuite()
    before(async () => {
      const admin = new Redis(redis().url)
      await admin.call('ACL', 'SETUSER', 'ann', 'on', '>hunter2', '~*', '&*', '+@all')
      await admin.call('ACL', 'SETUSER', 'deaf', 'on', '>hunter2', '+@connection', '+info')
      admin.disconnect()
    })
    const as = (login: string) => redis().url.replace('//', `//${login}@`)

    for (const REDIS_CLIENT of clientNames) {
      it(`[F15] sends a text there and back, by ${REDIS_CLIENT}`, async () => {
        const STORE = 'postgres://nobody@127.0.0.1:1/nowhere'
        const { said } = await lines({ STORE, REDIS: as('ann:hunter2'), REDIS_CLIENT })
        assert.match(said, /^ok {4}bus {7}Redis \d+\.\d+\.\d+; .* \d+\.\d ms$/m)
        const idle = await lines({ REDIS: redis().url, REDIS_CLIENT })
        assert.match(idle.said, /^warn {2}bus .*SQLite/m)
      })

      const wrong: [string, () => string, RegExp][] = [
        ['away', () => 'redis://:hunter2@127.0.0.1:1', /ECONNREFUSED.* start Redis/],
        ['locked', () => as('ann:hunter3'), /WRONGPASS.*: give the user and password/],
        ['not to be subscribed to', () => as('deaf:hunter2'), /NOPERM.* &holdfast:\*/],
        ['without TLS', () => redis().url.replace('redis', 'rediss'), /TLS/],
      ]
      for (const [what, url, says] of wrong) {
        it(`[F15] tells what to do about a Redis that is ${what}, by ${REDIS_CLIENT}`, async () => {
          const { said, failed } = await lines({ REDIS: url(), REDIS_CLIENT })
          assert.equal(failed, 1)
          assert.match(said.match(/^FAIL {2}bus .*/m)![0], says)
          assert.doesNotMatch(said, /hunter/)
        })
      }
    }
  })

  it('[F15] warns of what works but should not stay', async () => {
    const { said, failed } = await lines({ HOST: '0.0.0.0', DATA: ':memory:' })
    assert.equal(failed, 0)
    assert.match(said, /^warn {2}settings .*HOLDFAST_ACCESS/m)
    assert.match(said, /^warn {2}store .*:memory:/m)
  })
})

async function spoil(dir: string): Promise<Partial<Settings>> {
  await writeFile(join(dir, 'holdfast.sqlite'), 'x'.repeat(9000))
  return {}
}

/** Everything that a database says, but when it was last asked whether it can write. */
function rowsIn(file: string): string {
  const db = new DatabaseSync(file, { readOnly: true })
  const tables = db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name").all()
  const rows = tables.map(({ name, sql }) => [
    sql,
    db
      .prepare(`SELECT * FROM "${name}"`)
      .all()
      .filter(row => row.name !== 'asked'),
  ])
  db.close()
  return JSON.stringify(rows)
}
