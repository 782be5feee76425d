/** deploy/haproxy.cfg as a real haproxy takes it, where there is one; `apt-get install haproxy` brings it on Debian. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { end, start } from '../browser/harness/processes.ts'
import { until } from '../bus/site.ts'
import { closeAll, greet, type Place, serve, type TestServer } from './scene.ts'

const file = fileURLToPath(new URL('../../deploy/haproxy.cfg', import.meta.url))
const check = (config: string) => spawnSync('haproxy', ['-c', '-f', config], { encoding: 'utf8' })
const describeWithHaproxy = check(file).error ? describe.skip : describe

const IDS = Array.from({ length: 12 }, (_, i) => `doc${i}`)
const notes = (proxy: Place, rest: string) => `${proxy.url}/v1/docs/notes/${rest}`

describeWithHaproxy('deploy/haproxy.cfg', function () {
  this.timeout(60_000)
  let dir: string
  const stops: (() => Promise<void>)[] = []
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'holdfast-haproxy-'))
  })
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
    await closeAll()
    rmSync(dir, { recursive: true })
  })

  /** The configuration with these servers and a port of its own. */
  async function balance(servers: readonly TestServer[]): Promise<Place> {
    const port = randomInt(15_000, 30_000)
    let config = readFileSync(file, 'utf8')
      .replace('bind :7007', `bind 127.0.0.1:${port}`)
      .replace('maxconn 20000', 'maxconn 100')
    servers.forEach(({ port }, i) => {
      config = config.replaceAll(`holdfast-${i + 1}:7007`, `127.0.0.1:${port}`)
    })
    const own = join(dir, 'haproxy.cfg')
    writeFileSync(own, config)
    const child = start('haproxy', ['-f', own], { stdio: 'ignore' })
    stops.push(() => end(child))
    const url = `http://127.0.0.1:${port}`
    const isReady = () =>
      fetch(`${url}/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    await until(isReady, 'haproxy is there')
    return { url }
  }

  it('[F19] is valid, also while no name of a server can be resolved', () => {
    const { status, stderr } = check(file)
    assert.equal(status, 0, stderr)
  })

  it('[F19] carries WebSockets, brings a document to one server, and keeps the numbers inside', async () => {
    // Each has a database of its own: a document that comes to the other one is not found.
    const servers = [await serve({ PROXIES: 1 }), await serve({ PROXIES: 1 })]
    const proxy = await balance(servers)
    await greet(proxy, 'ann')
    await greet(proxy, 'ben')
    assert.deepEqual(
      servers.map(({ gateway }) => gateway.sessions.size),
      [1, 1],
    )
    for (const id of IDS) {
      const body = JSON.stringify({ type: 'text', data: id })
      const headers = { 'content-type': 'application/json' }
      assert.equal((await fetch(notes(proxy, id), { method: 'PUT', headers, body })).status, 200)
    }
    for (const id of IDS)
      for (const rest of ['', '?v=1', '/history'])
        assert.equal((await fetch(notes(proxy, id + rest))).status, 200, id + rest)
    const counts = await Promise.all(servers.map(({ gateway }) => gateway.store.list('notes', { limit: 99 })))
    assert.ok(
      counts.every(docs => docs.length > 0),
      'both have some',
    )
    for (const path of ['/metrics', '/metrics/', '/METRICS'])
      assert.equal((await fetch(proxy.url + path)).status, 404, path)
  })

  it('[F19] asks another server in the place of one that is away', async () => {
    const [one, two] = [await serve({ PROXIES: 1 }), await serve({ PROXIES: 1 })]
    const proxy = await balance([one, two])
    await one.close()
    for (const id of IDS) {
      assert.equal((await fetch(notes(proxy, id))).status, 404, 'it is asked, and has none')
      await greet(proxy, id)
    }
    assert.equal(two.gateway.sessions.size, IDS.length)
  })
})
