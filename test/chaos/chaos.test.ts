/** A round of some of the scenarios, in real browsers: `npm run chaos` is the long form, with all of them. */

import assert from 'node:assert/strict'
import { needsChromium } from '../browser/harness/chromium.ts'
import { needsFirefox } from '../browser/harness/firefox.ts'
import type { Pages } from '../browser/harness/pages.ts'
import { round } from './run.ts'
import { openSite } from './site.ts'

describe('chaos in real browsers', function () {
  this.timeout(120_000)
  let site: Pages

  before(async function () {
    needsChromium(this)
    site = await openSite()
  })
  after(() => site?.close())

  it('[J1] a browser that is killed while somebody types offline loses nothing that it showed as saved', async () => {
    const { saved } = await round({ name: 'browser-killed-offline', seed: 1, site })
    assert.ok(saved > 0)
  })

  it('[J2] both copies of a profile with unsent edits go on, and each edit is there once', async () => {
    const { saved, lost } = await round({ name: 'profile-cloned', seed: 1, site })
    assert.ok(saved >= 50)
    assert.equal(lost, 0)
  })

  it('[J3] the person is told when the disk is full, and what was saved before arrives', async () => {
    await round({ name: 'over-quota', seed: 1, site })
  })

  it('[J3] what the browser lost is told', async () => {
    const { lost, told } = await round({ name: 'database-corrupted', seed: 1, site })
    assert.ok(lost > 0 && told >= lost)
  })

  it('[J4] with acks lost and lines cut every edit is there once', async () => {
    await round({ name: 'acks-lost', seed: 1, site })
  })

  it('[J5] the server is killed while two people type', async () => {
    await round({ name: 'server-killed', seed: 1, site })
  })

  it('[J6] edits that may not be written any more are held where the person sees them', async () => {
    await round({ name: 'permission-revoked', seed: 1, site })
  })

  it('[J8] a client that says "saved" too early is found out', async () => {
    await assert.rejects(
      round({ name: 'browser-killed-offline', seed: 1, site, bug: 'hasty' }),
      /^Error: I2: /,
    )
  })
})

describe('chaos in a real Firefox', function () {
  this.timeout(120_000)
  let site: Pages

  before(async function () {
    needsFirefox(this)
    site = await openSite()
  })
  after(() => site?.close())

  it('[J11] a browser that is killed while somebody types loses nothing that it showed as saved', async () => {
    const { saved } = await round({ browser: 'firefox', name: 'browser-killed', seed: 1, site })
    assert.ok(saved > 0)
  })

  it('[J11] tabs that type offline converge, and each edit is there once', async () => {
    const { saved, acked } = await round({ browser: 'firefox', name: 'two-tabs-offline', seed: 1, site })
    assert.ok(saved > 0 && acked > 0)
  })
})
