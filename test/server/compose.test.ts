/** compose.yaml and what it names; there is no Docker in a test, so this is about what they say. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PREFIX, table } from '../../server/settings.ts'

interface Service {
  readonly image: string
  readonly build?: string
  readonly user?: string
  readonly read_only?: boolean
  readonly restart?: string
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly ulimits?: { readonly nofile: number }
  readonly healthcheck?: { readonly test: readonly string[]; readonly start_period?: string }
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { file: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const require = createRequire(import.meta.url)
/** mocha has a reader of YAML; Compose's merging of maps is YAML 1.1. */
const yaml = createRequire(require.resolve('mocha'))('js-yaml') as { load(text: string): unknown }
const compose = yaml.load(readFileSync(path('compose.yaml'), 'utf8')) as Compose

describe('compose.yaml', () => {
  for (const [name, service] of Object.entries(compose.services)) {
    it(`[F16] ${name} keeps the rules`, () => {
      assert.match(service.image, /:\d+\.\d+(\.\d+)?(-[a-z]+)?$/)
      assert.match(service.user ?? 'root', /^(?!root|0)/)
      assert.equal(service.read_only, true)
      assert.equal(service.restart, 'unless-stopped')
      assert.deepEqual(service.cap_drop, ['ALL'])
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
      const { test } = service.healthcheck!
      assert.ok(test.length > 1)
      for (const word of test) assert.equal(typeof word, 'string', 'YAML takes it for a text')
      for (const [setting, value] of Object.entries(service.environment ?? {})) {
        if (setting.startsWith(PREFIX)) assert.ok(setting.slice(PREFIX.length) in table, setting)
        if (/PASSWORD|SECRET|TOKEN/.test(setting)) assert.match(setting, /_FILE$/)
        const [, secret] = /^\/run\/secrets\/(.+)$/.exec(value) ?? []
        if (secret) assert.ok(service.secrets?.includes(secret), secret)
      }
      for (const secret of service.secrets ?? []) assert.ok(secret in compose.secrets, secret)
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0]!
        assert.ok(source.startsWith('.') ? existsSync(path(source)) : source in compose.volumes, source)
      }
    })
  }

  it('[F16] Compose takes it, where there is one', function () {
    const ways = [['docker', 'compose'], ['docker-compose']] as const
    const way = ways.find(([program, ...more]) => spawnSync(program, [...more, 'version']).status === 0)
    if (!way) return this.skip()
    const [program, ...more] = way
    const { status, stderr } = spawnSync(program, [...more, '-f', path('compose.yaml'), 'config', '-q'], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  })

  it('[F16] the image has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(path('package.json'), 'utf8')) as { version: string }
    for (const { image } of Object.values(compose.services))
      if (image.startsWith('holdfast:')) assert.equal(image, `holdfast:${version}`)
  })

  it('[F16] the balancer knows every server, and asks what the server answers', () => {
    const config = readFileSync(path('deploy/haproxy.cfg'), 'utf8')
    const servers = Object.keys(compose.services).filter(name => name.startsWith('holdfast'))
    assert.equal(servers.length, 2)
    for (const name of servers) assert.equal(config.split(`server ${name} ${name}:7007`).length, 3)
    assert.equal(config.split('option httpchk GET /ready').length, 3)
    assert.match(config, /default-server check /)
  })

  it('[F150] the secrets that its head makes are for the containers and their owner', () => {
    const head = readFileSync(path('compose.yaml'), 'utf8')
    const [, command] = /^# {3}(mkdir .*)$/m.exec(head)!
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-compose-'))
    try {
      const { status, stderr } = spawnSync('sh', ['-c', `umask 077; ${command}`], {
        cwd: folder,
        encoding: 'utf8',
      })
      assert.equal(status, 0, stderr)
      const modeOf = (name: string) => statSync(join(folder, name)).mode & 0o777
      assert.equal(modeOf('secrets'), 0o700)
      for (const { file } of Object.values(compose.secrets)) {
        assert.equal(modeOf(file), 0o644)
        assert.match(readFileSync(join(folder, file), 'utf8'), /^[0-9a-f]{64}\n$/)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('[F151] Postgres is healthy once it answers over the network', () => {
    const { test } = compose.services.postgres!.healthcheck!
    assert.equal(test[test.indexOf('-h') + 1], '127.0.0.1')
  })

  it('[F151] what carries connections may open files for all of them', () => {
    const config = readFileSync(path('deploy/haproxy.cfg'), 'utf8')
    const maxconn = Number(/^ {4}maxconn (\d+)$/m.exec(config)![1])
    for (const name of ['balancer', 'holdfast-1', 'holdfast-2'])
      assert.ok(compose.services[name]!.ulimits!.nofile > 2 * maxconn, name)
  })

  it('[F153] what others wait for has time to start', () => {
    const awaited = Object.values(compose.services).flatMap(({ depends_on = {} }) => Object.keys(depends_on))
    assert.deepEqual([...new Set(awaited)].sort(), ['holdfast-1', 'holdfast-2', 'postgres', 'redis'])
    for (const name of awaited) assert.equal(compose.services[name]!.healthcheck!.start_period, '60s', name)
  })

  it('[F152] the image has no tools to build with', () => {
    const installs = readFileSync(path('Dockerfile'), 'utf8').match(/npm ci[^&\n]*/g)!
    // npm keeps a tool that is an optional peer of some package, unless both kinds are left out.
    assert.equal(installs.at(-1)!.trim(), 'npm ci --omit=dev --omit=optional')
  })

  it('[F16] the image is of a full version, and its last user is not root', () => {
    const lines = readFileSync(path('Dockerfile'), 'utf8').split('\n')
    for (const line of lines.filter(each => each.startsWith('FROM')))
      assert.match(line, /node:24\.\d+\.\d+-slim/)
    assert.equal(
      lines.findLast(line => line.startsWith('USER')),
      'USER node',
    )
    for (const [, setting] of lines.join(' ').matchAll(/HOLDFAST_(\w+)=/g))
      assert.ok(setting! in table, setting)
  })
})
