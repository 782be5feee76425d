import assert from 'node:assert/strict'
import type { HoldfastError } from '../../ops/errors.ts'
import { helpText, markdownTable, PREFIX, readSettings, table } from '../../server/settings.ts'

const good = [
  { name: 'PORT', text: '0', value: 0 },
  { name: 'PORT', text: ' 8080 ', value: 8080 },
  { name: 'HOST', text: '::1', value: '::1' },
  { name: 'STORE', text: '', value: '' },
  { name: 'STORE', text: 'sqlite:data/notes.db', value: 'sqlite:data/notes.db' },
  {
    name: 'STORE',
    text: 'postgresql://me:pw@db:5432/notes?schema=a',
    value: 'postgresql://me:pw@db:5432/notes?schema=a',
  },
  { name: 'DURABILITY', text: 'normal', value: 'normal' },
  { name: 'HISTORY', text: 'all', value: 'all' },
  { name: 'HISTORY', text: '90d', value: 90 * 86_400_000 },
  { name: 'HISTORY', text: '36h', value: 36 * 3_600_000 },
  { name: 'ORIGINS', text: '', value: [] },
  { name: 'ORIGINS', text: '*', value: ['*'] },
  {
    name: 'ORIGINS',
    text: 'https://a.example, http://b.example:8080',
    value: ['https://a.example', 'http://b.example:8080'],
  },
  { name: 'FRAME_BYTES', text: '1024', value: 1024 },
  { name: 'ACCESS', text: 'jwt', value: 'jwt' },
  { name: 'JWT_ALGORITHMS', text: 'ES256, EdDSA', value: ['ES256', 'EdDSA'] },
  { name: 'COOKIE', text: '__Host-session', value: '__Host-session' },
  { name: 'TOKEN_GRACE_MS', text: '0', value: 0 },
]

const bad = [
  { name: 'PORT', texts: ['', 'http', '-1', '65536', '80.5', '0x50', '1e3', 'NaN', '99999999999999999999'] },
  { name: 'HOST', texts: ['', '  '] },
  { name: 'DATA', texts: [''] },
  { name: 'WEB', texts: [''] },
  { name: 'DURABILITY', texts: ['', 'FULL', 'none'] },
  { name: 'HISTORY', texts: ['', '0d', '90', '-1d', '1.5d', '1y', 'ALL'] },
  {
    name: 'ORIGINS',
    texts: ['a.example', 'https://a.example/', 'https://a.example/page', 'ftp://a.example', 'null'],
  },
  { name: 'FRAME_BYTES', texts: ['0', '1023', '1MB'] },
  { name: 'JSON_DEPTH', texts: ['0', '100000'] },
  { name: 'HEARTBEAT_MS', texts: ['0', '1s'] },
  { name: 'DRAIN_MS', texts: ['forever'] },
  { name: 'ACCESS', texts: ['', 'none', 'JWT'] },
  { name: 'JWT_ALGORITHMS', texts: ['none', 'HS256,none', 'hs256', 'RS1'] },
  { name: 'ACCESS_RECHECK_MS', texts: ['0', '5s'] },
  { name: 'COOKIE', texts: ['a b', 'a=b', 'a;b'] },
]

describe('Settings', () => {
  it('[H1] have a default that is allowed, each', () => {
    const settings = readSettings({})
    assert.deepEqual(Object.keys(settings), Object.keys(table))
    assert.equal(settings.PORT, 7007)
    assert.equal(settings.HOST, '127.0.0.1')
    assert.equal(settings.FRAME_BYTES, 2 ** 20)
  })

  for (const { name, text, value } of good) {
    it(`[H1] ${name} may be ${JSON.stringify(text)}`, () => {
      const settings: Record<string, unknown> = readSettings({ [PREFIX + name]: text })
      assert.deepEqual(settings[name], value)
    })
  }

  for (const { name, texts } of bad) {
    it(`[H1] ${name} may not be ${texts.map(text => JSON.stringify(text)).join(', ')}`, () => {
      for (const text of texts) {
        assert.throws(
          () => readSettings({ [PREFIX + name]: text }),
          (error: HoldfastError) =>
            error.code === 'SETTING_INVALID' &&
            error.message.includes(PREFIX + name) &&
            error.message.includes(JSON.stringify(text)) &&
            error.message.includes('allowed is'),
        )
      }
    })
  }

  it('[H1] [S66] a wrong address of a database is refused without repeating it', () => {
    for (const text of [
      'mysql://me:hunter2@db/notes',
      'me:hunter2@db',
      'sqlite:',
      'postgres://me:hunter2@db:port/notes',
    ]) {
      assert.throws(
        () => readSettings({ [`${PREFIX}STORE`]: text }),
        (error: HoldfastError) =>
          error.code === 'SETTING_INVALID' &&
          /^HOLDFAST_STORE .*allowed is .*postgres:/.test(error.message) &&
          !/hunter2/.test(error.message),
      )
    }
  })

  it('[H1] an unknown name is refused, and the known ones are listed', () => {
    assert.throws(
      () => readSettings({ HOLDFAST_PROT: '1' }),
      (error: HoldfastError) =>
        error.code === 'SETTING_INVALID' && /HOLDFAST_PROT .*HOLDFAST_PORT/.test(error.message),
    )
  })

  it("[H1] others' variables and those of the tests are nobody's mistake", () => {
    const environment = {
      PATH: '/bin',
      PORT: '80',
      HOLDFAST_TEST_CHROMIUM: '/bin/chromium',
      HOLDFAST_TRACES: '/tmp',
    }
    assert.deepEqual(readSettings(environment), readSettings({}))
  })

  it('[H2] are all in the help and in the table for the README, with their defaults', () => {
    for (const [name, { fallback, meaning }] of Object.entries(table)) {
      for (const text of [helpText(), markdownTable()]) {
        const line = text.split('\n').find(each => each.includes(`${PREFIX}${name}`))
        assert.ok(line?.includes(meaning) && line.includes(fallback || 'empty'), name)
      }
    }
  })
})
