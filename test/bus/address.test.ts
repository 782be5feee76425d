import assert from 'node:assert/strict'
import type { HoldfastError } from '../../ops/errors.ts'
import { redisAddress } from '../../server/bus/address.ts'
import { readSettings } from '../../server/settings.ts'

const here = { host: 'redis', port: 6379 }
const good = {
  'redis://redis': { kind: 'single', nodes: [here], tls: false, db: 0 },
  'redis://redis/': { kind: 'single', nodes: [here], tls: false, db: 0 },
  'rediss://me:p%40w@redis:1/3': {
    kind: 'single',
    nodes: [{ host: 'redis', port: 1 }],
    tls: true,
    username: 'me',
    password: 'p@w',
    db: 3,
  },
  'redis://:pw@[::1]:1': {
    kind: 'single',
    nodes: [{ host: '::1', port: 1 }],
    tls: false,
    password: 'pw',
    db: 0,
  },
  'redis+sentinel://a,b:1/main?db=2': {
    kind: 'sentinel',
    nodes: [
      { host: 'a', port: 26_379 },
      { host: 'b', port: 1 },
    ],
    tls: false,
    name: 'main',
    db: 2,
  },
  'rediss+cluster://u:p@a.example:7000,b:7001': {
    kind: 'cluster',
    nodes: [
      { host: 'a.example', port: 7000 },
      { host: 'b', port: 7001 },
    ],
    tls: true,
    username: 'u',
    password: 'p',
  },
}

const bad = [
  'redis',
  'redis:',
  'redis://',
  'http://redis',
  'redis://a,b',
  'redis://a/b',
  'redis://a:99999',
  'redis://a:x',
  'redis://u:%zz@a',
  'redis+sentinel://a',
  'redis+cluster://a/1',
  'redis+cluster://a,',
  'redis+ring://a',
]

describe('The address of a Redis', () => {
  for (const [text, address] of Object.entries(good))
    it(`[O15] ${text} is read`, () => assert.deepEqual(redisAddress(text), address))

  it('[O15] what is none is refused, and not repeated', () => {
    for (const text of bad) {
      assert.equal(redisAddress(text), null, text)
      assert.throws(
        () => readSettings({ HOLDFAST_REDIS: text }),
        ({ code, message }: HoldfastError) => code === 'SETTING_INVALID' && message.includes('is wrong;'),
      )
    }
  })
})
