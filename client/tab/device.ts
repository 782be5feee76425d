/**
 * The hub that all tabs of an origin share: where it can run, in the order of preference.
 *   - a SharedWorker, which lives as long as any tab
 *   - a worker of each tab, or the tab itself if there is no script for a worker; one of them at a time is the hub
 *   - this tab alone, where the platform lets tabs agree on nothing: the log then belongs to the tab that came last
 *
 * A hub is a second program that reads the same log, on whatever cores and disk there are; a tab that can read the log by
 * itself looks first, and seeks its hub when there is something to see [R18].
 */

import type { Candidate } from '../hub/election.ts'
import type { DeviceSetup } from '../hub/setup.ts'
import type { Platform } from '../platform.ts'
import { type Alone, aloneOn, hubCode } from './alone.ts'
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
): Alone {
  const { agreement, clock } = platform
  if (agreement === null) return aloneOn(platform, code => code.openLog(platform, setup.device), tab, setup)
  let candidate: Promise<Candidate> | null = null
  let shelter: Alone | null = null
  const here = () => {
    candidate ??= hubCode().then(code => code.standOnDevice(platform, agreement, setup))
    return candidate
  }
  const launch = () => {
    if (worker === null) here()
    else startWorker(worker, setup, here)
  }
  const options = {
    agreement,
    clock,
    name: setup.device,
    launch,
    takeOver: () => void here().then(standing => standing.takeOver()),
    outdated() {
      if (shelter) return
      seeker?.close()
      shelter = aloneOn(platform, code => code.volatileLog(OUTDATED), tab, setup)
    },
  }
  let seeker: Seeker | null = null
  let closed = false
  const seek = () => {
    if (!closed) seeker = new Seeker(options, tab)
  }
  if (tab.canLook) void firstLook(tab, platform).then(seek)
  else seek()
  return {
    async close() {
      closed = true
      seeker?.close()
      await (await candidate)?.close()
      await shelter?.close()
    },
  }
}

/** Resolves when the documents that are opened along with the client are shown, as far as the log has them. */
async function firstLook(tab: Tab, { clock }: Platform): Promise<void> {
  const turn = () => new Promise<void>(resolve => clock.after(0, resolve))
  await turn() // for the app to open them
  let cancel = () => {}
  const late = new Promise<void>(resolve => {
    cancel = clock.after(LOOK_MS, resolve)
  })
  await Promise.race([tab.looked(), late]).finally(cancel)
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
