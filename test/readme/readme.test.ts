/** The README says what is so: its code runs, its table is the settings' own, and what it names is there. */

import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { commands, commandTable } from '../../server/commands.ts'
import { markdownTable } from '../../server/settings.ts'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'
import { type Pages, servePages } from '../browser/harness/pages.ts'
import { type ServerProcess, startServerProcess } from '../browser/harness/server.ts'
import { serve } from '../server/scene.ts'

const root = new URL('../../', import.meta.url)
const readme = readFileSync(new URL('README.md', root), 'utf8')
const { scripts, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  scripts: Record<string, string>
  version: string
}

/** Where the README's server listens; a test puts its own in its place. */
const SERVER = 'http://127.0.0.1:7007'
const RUN_MS = 15_000

/** The fenced block that is marked `<!-- tested: NAME -->`, for the server at `origin`. */
function snippet(name: string, origin: string): string {
  const block = new RegExp(`<!-- tested: ${name} -->\n\`\`\`\\w+\n([^]*?)\`\`\``).exec(readme)?.[1]
  assert.ok(block, `the README has no block "${name}"`)
  assert.ok(block.includes(SERVER), `block "${name}" does not name ${SERVER}`)
  return block.replaceAll(SERVER, origin)
}

const matches = (pattern: RegExp) => [...new Set(Array.from(readme.matchAll(pattern), ([, found]) => found!))]

describe('README: the code', function () {
  this.timeout(60_000)
  const open: { close(): Promise<unknown> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close()
  })

  it('[D1] the API in twenty lines runs as it stands, and its edit is on the server', async () => {
    const server = await serve()
    open.push(server)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-readme-'))
    open.push({ close: () => rm(folder, { recursive: true }) })
    const code = snippet('api', server.url)
    assert.ok(code.trim().split('\n').length <= 20)
    const file = join(folder, 'hello.mts')
    await writeFile(file, code.replace('./client/index.ts', new URL('client/index.ts', root).href))
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: RUN_MS })
    const lines = stdout.trim().split('\n')
    assert.ok(lines.includes('we wrote: Hello. '))
    assert.ok(lines.includes('synced 0'), stdout)
    const answer = await fetch(`${server.url}/v1/docs/notes/greeting`)
    const { type, data } = (await answer.json()) as { type: string; data: string }
    assert.deepEqual({ type, data }, { type: 'text', data: 'Hello. ' })
  })

  it('[D8] what keeps, orders and rescues edits runs as it stands, and each edit is on the server once', async () => {
    const server = await serve()
    open.push(server)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-readme-'))
    open.push({ close: () => rm(folder, { recursive: true }) })
    const file = join(folder, 'keeping.mts')
    const code = snippet('keeping', server.url)
    await writeFile(file, code.replace('./client/index.ts', new URL('client/index.ts', root).href))
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: RUN_MS })
    assert.match(stdout, /^\d+ edits, 0 held\ntrue null\n$/)
    for (const [id, text] of [
      ['page', 'The page. '],
      ['index', 'See page. '],
    ])
      assert.equal((await server.gateway.store.snapshot({ collection: 'notes', id: id! })).data, text)
  })

  it('[D7] the HTTP examples run as they stand', async function () {
    if (spawnSync('curl', ['--version']).error) this.skip()
    const server = await serve()
    open.push(server)
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-readme-'))
    open.push({ close: () => rm(folder, { recursive: true }) })
    const { stdout } = await promisify(execFile)('sh', ['-ec', snippet('http', server.url)], {
      timeout: RUN_MS,
      cwd: folder,
    })
    assert.match(stdout, /zero one 2/)
    assert.match(stdout, /"documents":1,"ops":3,"known":0/)
    const { data } = (await (await fetch(`${server.url}/v1/docs/copies/list?v=1`)).json()) as { data: string }
    assert.equal(data, 'one two')
  })

  describe('in a browser', () => {
    let chromium: Chromium
    before(async function () {
      needsChromium(this)
      chromium = await launchChromium()
    })
    after(() => chromium?.close())

    it('[D2] the page in five lines, on another host, edits and gets its edit to the server', async () => {
      const pages: Record<string, string> = {}
      const site: Pages = await servePages(pages)
      open.push(site)
      // The server is 127.0.0.1; to a browser localhost is another host, which has to be allowed by name.
      const home = site.origin.replace('127.0.0.1', 'localhost')
      const server: ServerProcess = await startServerProcess({ env: { HOLDFAST_ORIGINS: home } })
      open.push(server)
      pages['/'] = snippet('embed', server.origin)
      assert.ok(pages['/'].trim().split('\n').length <= 5)
      const page = await chromium.page(home)
      await page.waitForSelector('holdfast-editor[status=synced]')
      await page.click('.ql-editor')
      await page.keyboard.type('hello')
      await page.waitForSelector(
        'holdfast-editor[status=synced][settled=true][saved=true][unsent="0"][held="0"]',
      )
      const answer = await fetch(`${server.origin}/v1/docs/notes/hello`)
      const { data } = (await answer.json()) as { data: { ops: { insert: string }[] } }
      assert.equal(data.ops[0]!.insert.trim(), 'hello')
      await page.close()
    })
  })
})

describe('README: what it names', () => {
  it('[D3] the settings are those of the table of settings', () => {
    assert.ok(readme.includes(`\n\n${markdownTable()}\n\n`))
  })

  it('[D4] every file and folder is there', () => {
    const links = matches(/\]\((?!https?:|#)([^)\s]+)\)/g)
    const paths = matches(/`((?:types|ops|client|server|test)\/[\w./-]*)`/g)
    assert.ok(links.length >= 3 && paths.length >= 15)
    const missing = [...links, ...paths].filter(path => !existsSync(fileURLToPath(new URL(path, root))))
    assert.deepEqual(missing, [])
  })

  it('[D4] every link within the page leads to a heading', () => {
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')
    const headings = matches(/^#+ (.+)$/gm).map(slug)
    const links = matches(/\]\(#([^)]+)\)/g)
    assert.ok(links.length > 0)
    assert.deepEqual(
      links.filter(link => !headings.includes(link)),
      [],
    )
  })

  it('[D5] the commands of holdfast are those of the program', () => {
    assert.ok(readme.includes(`\n\n${commandTable()}\n\n`))
    const unknown = matches(/npx holdfast (\w+)/g).filter(name => !Object.hasOwn(commands, name))
    assert.deepEqual(unknown, [])
  })

  it('[D5] every command is a script of package.json', () => {
    const names = matches(/npm run (\w+)/g)
    assert.ok(names.length >= 4)
    assert.deepEqual(
      [...names, 'start', 'test'].filter(name => !Object.hasOwn(scripts, name)),
      [],
    )
  })

  it('[D6] the version is that of the package, and the changelog has it', () => {
    assert.ok(readme.includes(`version ${version}`))
    assert.match(readFileSync(new URL('CHANGELOG.md', root), 'utf8'), new RegExp(`^## ${version}$`, 'm'))
  })
})
