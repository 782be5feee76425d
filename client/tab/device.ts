/**
 * The hub that all tabs of an origin share: where it can run, in the order of preference.
 *   - a SharedWorker, which lives as long as any tab
 *   - a worker of each tab, or the tab itself if there is no script for a worker; one of them at a time is the hub
 *   - this tab alone, where the platform lets tabs agree on nothing: the log then belongs to the tab that came last
 *
 * A hub is a second program that reads the same log, on whatever cores and disk there are; a tab that can read the log by
 * itself looks first, and seeks its hub when there is something to see [R19].
 */

import { within } from '../clock.ts'
import type { Candidate } from '../hub/election.ts'
import type { DeviceSetup } from '../hub/setup.ts'
import type { Agreement, Platform } from '../platform.ts'
import { aloneOn, type Home, hubCode } from './alone.ts'
import { Seeker } from './seeker.ts'
import type { Tab } from './tab.ts'

const OUTDATED =
  'a newer version of this page is open in another tab, which keeps the edits; reload this page'

/** A log that takes longer to read is not waited for. */
const LOOK_MS = 1_000

/** Brings `tab` to the hub of this device and keeps it there; `worker` is the address of the hub's script. */
export function joinDevice(
  platform: Platform,
  setup: DeviceSetup,
  tab: Tab,
  worker: string | URL | null,
): Home {
  const { agreement } = platform
  if (agreement === null) return aloneOn(platform, code => code.openLog(platform, setup.device), tab, setup)
  let shelter: Home | null = null
  const outdated = () => {
    place.leave()
    shelter = aloneOn(platform, code => code.volatileLog(OUTDATED), tab, setup)
  }
  const settle = () => settleIn(platform, agreement, setup, tab, worker, outdated)
  let place = settle()
  return {
    sleep() {
      if (!shelter) place.leave()
    },
    wake() {
      if (shelter) shelter.wake()
      else place = settle()
    },
    async close() {
      await place.close()
      await shelter?.close()
    },
  }
}

interface Place {
  /** At once: as the hub it gives up, and the tab has none. */
  leave(): void
  close(): Promise<void>
}

/** Has the tab follow the hub of this device, and be it where there is no other. */
function settleIn(
  platform: Platform,
  agreement: Agreement,
  setup: DeviceSetup,
  tab: Tab,
  worker: string | URL | null,
  outdated: () => void,
): Place {
  let candidate: Promise<Candidate> | null = null
  const here = () => {
    candidate ??= hubCode().then(code => code.standOnDevice(platform, agreement, setup))
    return candidate
  }
  const launch = () => {
    if (worker === null) here()
    else startWorker(worker, setup, here)
  }
  const takeOver = () => void here().then(standing => standing.takeOver())
  const { clock } = platform
  let seeker: Seeker | null = null
  let left = false
  const seek = () => {
    if (!left) seeker = new Seeker({ agreement, clock, name: setup.device, launch, takeOver, outdated }, tab)
  }
  if (tab.canLook) void firstLook(tab, platform).then(seek)
  else seek()
  return {
    leave() {
      left = true
      seeker?.close()
      tab.lose()
      endWorker(setup)
      void candidate?.then(standing => standing.leave())
    },
    async close() {
      left = true
      seeker?.close()
      await (await candidate)?.close()
    },
  }
}

/** Resolves when the documents that are opened along with the client are shown, as far as the log has them. */
async function firstLook(tab: Tab, { clock }: Platform): Promise<void> {
  const turn = () => new Promise<void>(resolve => clock.after(0, resolve))
  await turn() // for the app to open them
  await within(clock, LOOK_MS, tab.looked())
  await turn() // for the page to show them
}

const workers = new Map<string, SharedWorker | Worker>()

/** Starts the hub's script, once: a SharedWorker of this name that runs already is joined. */
function startWorker(script: string | URL, setup: DeviceSetup, otherwise: () => unknown): void {
  const name = JSON.stringify(setup)
  try {
    const shared = globalThis.SharedWorker !== undefined
    if (!shared && workers.has(name)) return
    const worker = shared ? new SharedWorker(script, { name }) : new Worker(script, { name })
    worker.onerror = () => otherwise()
    workers.set(name, worker)
  } catch {
    otherwise() // the page's policy forbids it, or the script is from elsewhere
  }
}

/** A page's own worker sleeps when it does: as the hub it would be in the way of all other tabs. */
function endWorker(setup: DeviceSetup): void {
  const name = JSON.stringify(setup)
  const worker = workers.get(name)
  if (!(worker && 'terminate' in worker)) return
  worker.terminate()
  workers.delete(name)
}
