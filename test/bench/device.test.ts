import assert from 'node:assert/strict'
import { serialize } from 'node:v8'
import { needsChromium } from '../browser/harness/chromium.ts'
import { type DeviceCase, documentCase, type Extent, type Metric, mergeCase } from './device/cases.ts'
import { turn, watchGaps } from './device/gaps.ts'
import { type DeviceMeasured, deviceReport, deviceRows, deviceVerdicts } from './device/report.ts'
import { cloneSize, keySize } from './device/size.ts'
import { deviceSystems } from './device/systems.ts'
import { measureDevice } from './device.ts'
import { installPackages } from './peers/packages.ts'

const little: Extent = { keystrokes: 20, online: 10, unsent: 60, pages: 1, quietMs: 100, limitMs: 30_000 }

describe('the device benchmark', function () {
  this.timeout(120_000)
  before(async function () {
    needsChromium(this)
    await installPackages()
  })

  const comesOut = async (case_: DeviceCase, metrics: readonly Metric[]) => {
    const measured = await measureDevice(case_, deviceSystems, little, 1)
    for (const { system, failure } of measured) assert.equal(failure, undefined, system)
    const rows = deviceRows(measured)
    assert.deepEqual(
      rows.map(({ system, metric }) => [system, metric]),
      deviceSystems.flatMap(({ name }) => metrics.map(metric => [name, metric])),
    )
    for (const row of rows) assert.ok(row.value > 0 && Number.isFinite(row.value), JSON.stringify(row))
    return rows
  }

  it('[N16] opens, types into and opens again a document of each system, and sees what it writes', async () => {
    const rows = await comesOut(documentCase('little', 2000), [
      'bytes_per_keystroke',
      'transactions_per_keystroke',
      'open_ms',
      'open_5000_ms',
      'online_bytes_per_keystroke',
      'online_transactions_per_keystroke',
    ])
    const of = (wanted: Metric) => rows.filter(({ metric }) => metric === wanted).map(({ value }) => value)
    for (const transactions of of('transactions_per_keystroke')) assert.ok(transactions >= 1)
    const [, yjs, sharesync] = of('bytes_per_keystroke')
    assert.ok(yjs! > 10 && yjs! < 200, `${yjs}`)
    assert.ok(sharesync! > 2000, `${sharesync}: it writes the document each time`)
  })

  it('[N16] merges two branches in a page of each system', async () => {
    await comesOut(mergeCase('little', 50, { sample: true }), ['longest_task_ms', 'merge_ms'])
  })
})

describe('the longest task', () => {
  it('[N16] is the longest time for which nothing else could run', async () => {
    const gaps = await watchGaps()
    for (let i = 0; i < 3; i++) await turn()
    const end = performance.now() + 70
    while (performance.now() < end);
    assert.ok((await gaps.longest()) >= 70)
  })
})

describe('the size of a record', () => {
  it('[N16] is that of its serialisation', () => {
    const values = [
      null,
      undefined,
      true,
      0,
      -1,
      63,
      64,
      -65,
      2 ** 29,
      2 ** 31,
      0.5,
      '',
      'a'.repeat(127),
      'b'.repeat(128),
      'caf\u00e9',
      [],
      [1, 'two', null],
      {},
      { n: 1, event: { t: 'edit', op: [5, 'x', { d: 1 }] } },
      new Date(0),
      new Map([['a', 1]]),
      new Set([1, 2]),
    ]
    for (const value of values) assert.equal(cloneSize(value), serialize(value).length, JSON.stringify(value))
    // The writer aligns two-byte texts: a byte more or less.
    assert.ok(Math.abs(cloneSize('\u20ac'.repeat(100)) - serialize('\u20ac'.repeat(100)).length) <= 1)
    assert.ok(cloneSize(new Uint8Array(1000)) - 1000 < 20)
    assert.throws(() => cloneSize(1n))
  })

  it('[N16] counts keys, too', () => {
    assert.equal(keySize(7), 9)
    assert.equal(keySize('ab'), 6)
    assert.equal(keySize(['ab', 7]), 17)
  })
})

describe('what the device benchmark prints', () => {
  const measured = (
    case_: string,
    system: string,
    figures: Partial<Record<Metric, number>>,
    failure?: string,
  ) =>
    ({
      case: case_,
      system,
      figures: new Map(Object.entries(figures).map(([metric, value]) => [metric as Metric, [value]])),
      failure,
    }) satisfies DeviceMeasured
  const all = [
    measured('100kB', 'holdfast', { bytes_per_keystroke: 100, open_ms: 5, open_5000_ms: 9 }),
    measured('100kB', 'yjs', { bytes_per_keystroke: 120, open_ms: 4, open_5000_ms: 10 }),
    measured('1MB', 'holdfast', { bytes_per_keystroke: 130, open_ms: 5, open_5000_ms: 9 }),
    measured('1MB', 'yjs', { bytes_per_keystroke: 140, open_ms: 6 }, 'burst took over 120 s'),
    measured('merge', 'holdfast', { longest_task_ms: 49, merge_ms: 100 }),
  ]

  it('[N16] are rows of what was measured, and the reason for what was not', () => {
    assert.equal(deviceRows(all).length, 13)
    assert.deepEqual(deviceRows(all.slice(3, 4)), [
      { case: '1MB', metric: 'bytes_per_keystroke', system: 'yjs', value: 140 },
      { case: '1MB', metric: 'open_ms', system: 'yjs', value: 6 },
    ])
    const printed = deviceReport('1MB', all.slice(2, 4))
    assert.match(printed, /^bytes per keystroke +130 +140 +1\.08\nopen ms +5 +6 +1\.2\n/m)
    assert.match(printed, /^open 5000 ms +9 +- +-\nyjs: burst took over 120 s/m)
  })

  it('[N16] are targets, met, missed or not measured', () => {
    const printed = deviceVerdicts(all)
    assert.match(printed, /1 MB at most 1\.2x those on 100 kB: 1\.3x, MISSED/)
    assert.match(printed, /100kB: fewer bytes a keystroke than yjs: 1\.2x, met/)
    assert.match(printed, /100kB: opens faster than yjs: 0\.8x, MISSED/)
    assert.match(printed, /1MB: opens with unsent edits faster than yjs: not measured/)
    assert.match(printed, /merge: no task over 50 ms: 49 ms, met/)
  })
})
