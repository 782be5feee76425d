/**
 * `npm run bench -- device`: what the client costs on the device, in a real Chromium: Holdfast; Yjs with y-indexeddb
 * and Hocuspocus; ShareDB's client with the DurableStore of its fork @sharesync/sharedb, on a server of ShareDB 7.
 *
 *   100kB, 1MB      a text of that size. With the server out of reach: the bytes that a keystroke writes to IndexedDB
 *                   (values and keys as they are handed over, each keystroke when the one before is saved, what is
 *                   tidied up afterwards included), its transactions, and how long a fresh page needs until the document
 *                   can be edited, as the server had it and with 5,000 unsent edits. `online`: the same bytes with a
 *                   server at hand, each keystroke when the server has the one before
 *     open          from the call that opens the document, in a page whose scripts have run and on a device at rest (the
 *                   page before wrote nothing for a second), until its whole text is there as a string and an edit would
 *                   be taken and shown. For Yjs that is `whenSynced` of y-indexeddb, for ShareDB's store `ensureDocHasData`
 *                   or the document that the connection restores, for Holdfast `open`. None of them has saved anything then
 *     first save    from that call until a letter typed at once is in IndexedDB. It is printed, and no target: Holdfast saves
 *                   in the hub that all tabs share, which begins when the document is shown, and strictly
 *   merge-NxN       a page with N unsent edits meets a server with N others (those of `reconnect`): the main thread's
 *                   longest task until both have everything, and how long that takes
 *
 * The systems take turns, round by round; each round has a new server, a new browser and a new profile. Every text is
 * compared. A system that fails or takes longer than a limit has no figure there, and the reason is printed. Holdfast saves
 * with strict durability; the others with the browser's default, which is relaxed.
 */

import { serveDevicePages } from './device/build.ts'
import { type DeviceCase, documentCase, type Extent, type Metric, mergeCase } from './device/cases.ts'
import { type DeviceMeasured, deviceReport, deviceRows, deviceVerdicts } from './device/report.ts'
import { type DeviceSystem, deviceSystems } from './device/systems.ts'
import { readOptions, writeRows } from './options.ts'

const cases: readonly DeviceCase[] = [
  documentCase('100kB', 100_000),
  documentCase('1MB', 1_000_000),
  mergeCase('merge-10000x10000', 10_000),
]

const full: Extent = {
  keystrokes: 1000,
  online: 500,
  unsent: 5000,
  pages: 10,
  quietMs: 4000,
  limitMs: 120_000,
}
const quick: Extent = { ...full, keystrokes: 300, online: 100, pages: 2, limitMs: 60_000 }

/** Exit code 1 if Holdfast could not do a case; what a peer cannot do is printed. */
export async function device(args: string[]): Promise<void> {
  const options = readOptions(args, { cases, systems: deviceSystems })
  const extent = options.quick ? quick : full
  const measured: DeviceMeasured[] = []
  for (const each of options.cases) {
    const done = await measureDevice(each, options.systems, extent, options.rounds)
    console.log(deviceReport(each.name, done))
    measured.push(...done)
  }
  console.log(`\n${deviceVerdicts(measured)}`)
  writeRows(options.json, deviceRows(measured))
  if (measured.some(({ system, failure }) => system === 'holdfast' && failure !== undefined))
    process.exitCode = 1
}

/** What the systems need for a case; one that fails is left out of the further rounds. */
export async function measureDevice(
  { name, run }: DeviceCase,
  systems: readonly DeviceSystem[],
  extent: Extent,
  rounds: number,
): Promise<DeviceMeasured[]> {
  for (const { provide } of systems) await provide?.()
  const pages = await serveDevicePages(systems.map(system => system.name))
  const figures = new Map(systems.map(system => [system.name, new Map<Metric, number[]>()]))
  const failures = new Map<string, string>()
  try {
    for (let round = 0; round < rounds; round++) {
      for (const system of systems.filter(system => !failures.has(system.name))) {
        const own = figures.get(system.name)!
        const note = (metric: Metric, value: number) => own.set(metric, [...(own.get(metric) ?? []), value])
        await run({ system, origin: pages.origin, extent, note }).catch(error =>
          failures.set(system.name, error instanceof Error ? error.message : String(error)),
        )
      }
    }
  } finally {
    await pages.close()
  }
  return systems.map(({ name: system }) => ({
    case: name,
    system,
    figures: figures.get(system)!,
    failure: failures.get(system),
  }))
}
