import assert from 'node:assert/strict'
import { closeAll } from '../scene.ts'
import { refused } from './send.ts'
import type { Health } from './server.ts'
import { openSite, type Site } from './site.ts'
import { type Kind, table } from './table.ts'

const MIB = 1024 * 1024

/** What each kind shows. */
const rules: Readonly<Record<Kind, string>> = {
  frame: '[W2] [W3]',
  request: '[H5] [I11]',
  bytes: '[I60]',
  wire: '[I60]',
  token: '[Z27]',
}

describe('Bad inputs', () => {
  let site: Site
  before(async () => {
    site = await openSite()
  })
  after(async () => {
    await site?.close()
    await closeAll()
  })

  for (const row of table) {
    it(`${rules[row.kind]} ${row.kind}: ${row.what}: ${'code' in row ? row.code : row.close}`, async () => {
      await refused(site, row)
      await site.unharmed()
    })
  }

  it('[X20] the table has rows of every kind, none twice, and more than 150', () => {
    const names = table.map(row => `${row.kind}: ${row.what}`)
    assert.deepEqual(names, [...new Set(names)])
    assert.ok(table.length > 150)
    for (const kind of Object.keys(rules)) assert.ok(table.filter(row => row.kind === kind).length > 10, kind)
  })

  it('[X20] the whole table over and over costs no memory, and harms nobody', async () => {
    const rounds: Health[] = []
    for (let round = 0; round < 12; round++) {
      for (const row of table) await refused(site, row)
      await site.unharmed()
      rounds.push(await site.health())
    }
    const [, second] = rounds
    const last = rounds.at(-1)!
    assert.equal(last.sessions, 2)
    // Caches fill up for some rounds; of what each row left behind, a kilobyte would show.
    assert.ok(last.heap - second!.heap < 4 * MIB, `the heap grew from ${second!.heap} to ${last.heap} bytes`)
    assert.ok(last.external - second!.external < 4 * MIB, `${second!.external} to ${last.external} bytes`)
    assert.ok(last.rss - second!.rss < 128 * MIB, `the process grew from ${second!.rss} to ${last.rss} bytes`)
  }).timeout(120_000)
})
