import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import type { HoldfastError } from '../../../ops/errors.ts'
import type { Principal } from '../../../server/access/access.ts'
import { callbackAccess } from '../../../server/access/callback.ts'
import { allows, type Grant } from '../../../server/access/grants.ts'
import { jwtAccess } from '../../../server/access/jwt.ts'
import { OPEN_WARNING, policyOf } from '../../../server/access/policy.ts'
import { startServer } from '../../../server/server.ts'
import { readSettings, type Settings } from '../../../server/settings.ts'

const coded = (code: string) => (error: HoldfastError) => error.code === code
const issuer = 'https://id.example'
const audience = 'holdfast'
const secret = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
const NOW = 1_800_000_000_000
const clock = { now: () => NOW, after: () => () => {} }
const good: JWTPayload = { sub: 'ann', name: 'Ann', holdfast: [{ c: 'notes', d: '*', may: 'write' }] }

const token = (claims: JWTPayload = good, alg = 'HS256', kid?: string) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(NOW / 1000 + 60)

/** A server on this machine that answers as it is told; `close` ends it. */
async function answering(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void) {
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => answer(request, Buffer.concat(parts).toString(), response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    },
  }
}

describe('Grants', () => {
  const grants: Grant[] = [
    { c: 'notes', d: 'a', may: 'read' },
    { c: 'notes', d: 'ann-*', may: 'manage' },
    { c: 'team-*', d: '*', may: 'write' },
  ]
  const cases: [action: Grant['may'], c: string, d: string | null, allowed: boolean][] = [
    ['read', 'notes', 'a', true],
    ['write', 'notes', 'a', false],
    ['read', 'notes', 'ab', false],
    ['manage', 'notes', 'ann-1', true],
    ['manage', 'notes', 'ann-', true],
    ['read', 'notes', 'ann', false],
    ['read', 'notes', null, false],
    ['read', 'other', 'a', false],
    ['write', 'team-x', 'any', true],
    ['write', 'team-x', null, true],
    ['manage', 'team-x', null, false],
  ]
  for (const [action, c, d, allowed] of cases) {
    it(`[Z10] ${allowed ? 'allow' : 'do not allow'} to ${action} ${c}/${d ?? '(all)'}`, () => {
      assert.equal(allows(grants, action, c, d), allowed)
    })
  }
})

describe('The policy of signed tokens', () => {
  const access = jwtAccess({ key: { secret }, issuer, audience, algorithms: ['HS256'], clock })

  it('[Z8] knows who it is, until when and what it may', async () => {
    const principal = await access.authenticate(await token().sign(secret))
    assert.deepEqual([principal.id, principal.name, principal.expires], ['ann', 'Ann', NOW + 60_000])
    assert.equal(await access.access(principal, 'write', 'notes', 'a'), true)
    assert.equal(await access.access(principal, 'manage', 'notes', 'a'), false)
    const bare = await access.authenticate(await token({ sub: 'bob' }).sign(secret))
    assert.equal(await access.access(bare, 'read', 'notes', 'a'), false)
  })

  const other = new TextEncoder().encode('another secret of thirty-two bytes')
  const bad: Record<string, () => string | Promise<string>> = {
    'no token at all': () => 'hello',
    'an empty part': () => 'a..b',
    'another secret': () => token().sign(other),
    'another algorithm of the same kind': () => token(good, 'HS512').sign(new Uint8Array(64).fill(7)),
    'no signature (alg none)': () =>
      new UnsecuredJWT(good)
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(NOW / 1000 + 60)
        .encode(),
    'another issuer': () => token().setIssuer('https://evil.example').sign(secret),
    'another audience': () => token().setAudience('mail').sign(secret),
    'no end': () =>
      new SignJWT(good)
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(issuer)
        .setAudience(audience)
        .sign(secret),
    'not valid yet': () =>
      token()
        .setNotBefore(NOW / 1000 + 30)
        .sign(secret),
    'nobody in it': () => token({ name: 'Ann' }).sign(secret),
    'an empty name of somebody': () => token({ sub: '' }).sign(secret),
    'a claim changed': async () => {
      const [head, , tail] = (await token().sign(secret)).split('.')
      const [, body] = (await token({ ...good, sub: 'root' }).sign(other)).split('.')
      return [head, body, tail].join('.')
    },
  }
  for (const [what, make] of Object.entries(bad)) {
    it(`[Z8] refuses a token with ${what}`, async () => {
      await assert.rejects(access.authenticate(await make()), coded('TOKEN_INVALID'))
    })
  }

  for (const holdfast of [
    'all',
    {},
    [{ c: 'notes', d: '*' }],
    [{ c: 'notes', d: '*', may: 'own' }],
    [{ c: '', d: '*', may: 'read' }],
    [{ c: 'notes', d: 1, may: 'read' }],
    [{ c: 'notes', d: '*', may: 'read', until: 9 }],
    Array.from({ length: 1001 }, () => ({ c: 'notes', d: '*', may: 'read' })),
  ]) {
    it(`[Z10] refuses a token with the grants ${JSON.stringify(holdfast).slice(0, 60)}`, async () => {
      const signed = await token({ ...good, holdfast }).sign(secret)
      await assert.rejects(access.authenticate(signed), coded('TOKEN_INVALID'))
    })
  }

  it('[Z8] says of a token that ran out that it did', async () => {
    const signed = await token()
      .setExpirationTime(NOW / 1000 - 1)
      .sign(secret)
    await assert.rejects(access.authenticate(signed), coded('TOKEN_EXPIRED'))
  })

  describe('with published keys', () => {
    let keys: JWK[]
    let status: number
    let fetches: number
    let issuerSite: Awaited<ReturnType<typeof answering>>
    beforeEach(async () => {
      status = 200
      fetches = 0
      issuerSite = await answering((_request, _body, response) => {
        fetches++
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys }))
      })
    })
    afterEach(() => issuerSite.close())

    const pair = async (kid: string, alg = 'ES256') => {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
      const jwk = { ...(await exportJWK(publicKey)), kid, alg }
      const sign = () => token(good, alg, kid).sign(privateKey)
      return { jwk, publicKey, sign }
    }
    const open = (algorithms = ['ES256', 'RS256']) =>
      jwtAccess({
        key: { jwks: new URL(issuerSite.url) },
        issuer,
        audience,
        algorithms,
        clock,
        cooldownMs: 0,
      })

    it('[Z9] takes tokens of every key that is published, and of new ones when keys are changed', async () => {
      const [old, young] = [await pair('1'), await pair('2')]
      keys = [old.jwk]
      const access = open()
      assert.equal((await access.authenticate(await old.sign())).id, 'ann')
      assert.equal((await access.authenticate(await old.sign())).id, 'ann')
      assert.equal(fetches, 1)
      await assert.rejects(access.authenticate(await young.sign()), coded('TOKEN_INVALID'))
      keys = [young.jwk]
      assert.equal((await access.authenticate(await young.sign())).id, 'ann')
      await assert.rejects(access.authenticate(await old.sign()), coded('TOKEN_INVALID'))
    })

    it('[Z8] takes no public key for a secret, and no algorithm that was not chosen', async () => {
      const rsa = await pair('1', 'RS256')
      keys = [rsa.jwk]
      const access = open()
      const spki = new TextEncoder().encode(await exportSPKI(rsa.publicKey))
      for (const key of [spki, new TextEncoder().encode(JSON.stringify(rsa.jwk))]) {
        const forged = await token(good, 'HS256', '1').sign(key)
        await assert.rejects(access.authenticate(forged), coded('TOKEN_INVALID'))
      }
      const signed = await rsa.sign()
      assert.equal((await access.authenticate(signed)).id, 'ann')
      await assert.rejects(open(['ES256']).authenticate(signed), coded('TOKEN_INVALID'))
    })

    it('[Z9] does not blame the token where keys cannot be had', async () => {
      const key = await pair('1')
      keys = [key.jwk]
      status = 500
      await assert.rejects(
        open().authenticate(await key.sign()),
        error => !coded('TOKEN_INVALID')(error as HoldfastError),
      )
    })
  })
})

describe('The policy of a callback', () => {
  let reports: string[]
  let questions: { ask: string; token?: string }[]
  let answer: (question: { ask: string }, response: ServerResponse) => void
  let app: Awaited<ReturnType<typeof answering>>
  let now: number
  const ann: Principal = { id: 'ann' }

  beforeEach(async () => {
    reports = []
    questions = []
    now = NOW
    app = await answering((_request, body, response) => {
      questions.push(JSON.parse(body))
      answer(JSON.parse(body), response)
    })
  })
  afterEach(() => app.close())

  const json =
    (body: unknown, status = 200) =>
    (_question: unknown, response: ServerResponse) => {
      response.writeHead(status).end(JSON.stringify(body))
    }
  const open = (more: object = {}) =>
    callbackAccess({
      url: `${app.url}?key=hunter2`,
      report: what => void reports.push(what),
      cacheMs: 1000,
      clock: { ...clock, now: () => now },
      ...more,
    })

  it('[Z11] asks the app who it is and what they may, and remembers the answer for a while', async () => {
    const access = open()
    answer = json({ id: 'ann', name: 'Ann', expires: NOW + 5 })
    assert.deepEqual(await access.authenticate('abc'), { id: 'ann', name: 'Ann', expires: NOW + 5 })
    answer = json({ may: true })
    const asked = { ask: 'may', principal: 'ann', action: 'read', collection: 'notes', doc: 'a' }
    const may = () => access.access(ann, 'read', 'notes', 'a')
    assert.deepEqual(await Promise.all([may(), may()]), [true, true])
    assert.equal(await may(), true)
    assert.deepEqual(questions, [{ ask: 'who', token: 'abc' }, asked])
    answer = json({ may: false })
    now += 1000
    assert.equal(await may(), false)
    assert.equal(await access.access(ann, 'read', 'notes', 'b'), false)
    assert.deepEqual(reports, [])
  })

  it('[Z11] remembers not more than so many answers', async () => {
    const access = open({ answers: 2 })
    answer = json({ may: true })
    for (const doc of ['a', 'b', 'c', 'c', 'b', 'a']) await access.access(ann, 'read', 'notes', doc)
    assert.equal(questions.length, 4)
  })

  it('[Z11] asks not more than so much at once', async () => {
    let [now, most] = [0, 0]
    answer = (_question, response) => {
      most = Math.max(most, ++now)
      setImmediate(() => {
        now--
        response.end('{"may":true}')
      })
    }
    const access = open()
    const docs = Array.from({ length: 300 }, (_, i) => `${i}`)
    const answers = await Promise.all(docs.map(doc => access.access(ann, 'read', 'notes', doc)))
    assert.ok(answers.every(Boolean))
    assert.ok(most <= 64, `${most}`)
  })

  it('[Z11] takes 401 for a token that is wrong or ran out', async () => {
    answer = json({}, 401)
    await assert.rejects(open().authenticate('a'), coded('TOKEN_INVALID'))
    answer = (_question, response) => response.writeHead(401).end()
    await assert.rejects(open().authenticate('b'), coded('TOKEN_INVALID'))
    answer = json({ code: 'TOKEN_EXPIRED' }, 401)
    await assert.rejects(open().authenticate('c'), coded('TOKEN_EXPIRED'))
    assert.deepEqual(reports, [])
  })

  const failures: Record<string, (question: unknown, response: ServerResponse) => void> = {
    'an error': json({ may: true }, 500),
    'a redirection': (_question, response) => response.writeHead(302, { location: app.url }).end(),
    'no JSON': (_question, response) => response.end('yes'),
    'another shape': json({ may: 'yes' }),
    nothing: (_question, response) => response.end(),
    'a cut': (_question, response) => response.destroy(),
    silence: () => {},
  }
  for (const [what, fails] of Object.entries(failures)) {
    it(`[Z7] [Z11] has no answer on ${what}, tells the operator once, and when it is over`, async () => {
      const access = open({ timeoutMs: 100 })
      answer = fails
      const asked = [
        async () => access.access(ann, 'read', 'notes', 'a'),
        async () => access.access(ann, 'read', 'notes', 'b'),
        () => access.authenticate('secret token'),
      ]
      for (const ask of asked) await assert.rejects(ask, coded('ACCESS_UNAVAILABLE'))
      assert.equal(reports.length, 1)
      assert.match(reports[0]!, /nobody may more than before: .*HOLDFAST_ACCESS_URL/)
      assert.doesNotMatch(reports[0]!, /hunter2|secret token/)
      answer = json({ may: true })
      assert.equal(await access.access(ann, 'read', 'notes', 'a'), true, 'a failure is not remembered')
      assert.equal(reports.length, 2)
    })
  }

  it('[Z7] [Z28] has only its answers of before where nobody answers, as long as they count', async () => {
    const access = open()
    answer = json({ may: true })
    assert.equal(await access.access(ann, 'read', 'notes', 'a'), true)
    await app.close()
    assert.equal(await access.access(ann, 'read', 'notes', 'a'), true)
    await assert.rejects(async () => access.access(ann, 'read', 'notes', 'b'), coded('ACCESS_UNAVAILABLE'))
    now += 1000
    await assert.rejects(async () => access.access(ann, 'read', 'notes', 'a'), coded('ACCESS_UNAVAILABLE'))
    assert.match(reports[0]!, /cannot be reached/)
  })
})

describe('The policy that the settings choose', () => {
  const jwt = { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_SECRET: 's'.repeat(32) }
  const settings = (more: Record<string, string>): Settings =>
    readSettings(Object.fromEntries(Object.entries(more).map(([name, text]) => [`HOLDFAST_${name}`, text])))
  const report = () => {}

  it('[Z12] is none, one of tokens or one of an endpoint', () => {
    assert.equal(policyOf(settings({}), report), null)
    assert.ok(policyOf(settings({ ACCESS: 'jwt', ...jwt }), report))
    assert.ok(
      policyOf(
        settings({ ACCESS: 'jwt', ...jwt, JWT_SECRET: '', JWKS_URL: 'https://id.example/keys' }),
        report,
      ),
    )
    assert.ok(policyOf(settings({ ACCESS: 'callback', ACCESS_URL: 'http://app:80/may' }), report))
  })

  const wrong: Record<string, string>[] = [
    { ACCESS: 'jwt' },
    { ACCESS: 'jwt', ...jwt, JWT_ISSUER: '' },
    { ACCESS: 'jwt', ...jwt, JWT_AUDIENCE: '' },
    { ACCESS: 'jwt', ...jwt, JWT_SECRET: '' },
    { ACCESS: 'jwt', ...jwt, JWT_SECRET: 'hunter2' },
    { ACCESS: 'jwt', ...jwt, JWKS_URL: 'https://id.example/keys' },
    { ACCESS: 'jwt', ...jwt, JWT_SECRET_FILE: '/hunter2' },
    { ACCESS: 'jwt', ...jwt, JWT_SECRET: '', JWT_SECRET_FILE: '/no/such/file' },
    { ACCESS: 'jwt', ...jwt, JWT_ALGORITHMS: 'RS256' },
    { ACCESS: 'jwt', ...jwt, JWT_ALGORITHMS: 'HS256,ES256' },
    { ACCESS: 'jwt', ...jwt, JWT_SECRET: '', JWKS_URL: 'https://id.example/keys', JWT_ALGORITHMS: 'HS256' },
    { ACCESS: 'callback' },
    { ACCESS: 'jwt', ...jwt, JWT_ALGORITHMS: 'none' },
    { ACCESS: 'everybody' },
    { ACCESS: 'callback', ACCESS_URL: 'ftp://hunter2' },
    { ACCESS: 'callback', ACCESS_URL: 'https://me:hunter2@app/' },
    { ACCESS: 'jwt', ...jwt, JWKS_URL: 'hunter2' },
    { COOKIE: 'a b' },
  ]
  for (const each of wrong) {
    it(`[Z12] [Z25] refuses ${Object.keys(each).join(' ')} that do not go together, and repeats no secret: ${wrong.indexOf(each)}`, () => {
      assert.throws(
        () => policyOf(settings(each), report),
        (error: HoldfastError) =>
          error.code === 'SETTING_INVALID' &&
          !/hunter2|sssss/.test(error.message) &&
          error.message.includes('HOLDFAST_'),
      )
    })
  }

  it('[Z2] lets everybody do everything without one, and the start says so', async () => {
    const reports: string[] = []
    const options = { report: (what: string) => void reports.push(what) }
    const place = { PORT: '0', DATA: ':memory:' }
    const server = await startServer(settings(place), options)
    assert.equal((await fetch(`${server.url}/v1/docs/notes`)).status, 200)
    await server.close()
    assert.deepEqual(reports, [OPEN_WARNING])
    const guarded = await startServer(settings({ ...place, ACCESS: 'jwt', ...jwt }), options)
    assert.equal((await fetch(`${guarded.url}/v1/docs/notes`)).status, 401)
    await guarded.close()
    assert.equal(reports.length, 1)
  })
})
