/**
 * The hub that all tabs of an origin share: where it can run, in the order of preference.
 *   - a SharedWorker, which lives as long as any tab
 *   - a worker of each tab, or the tab itself if there is no script for a worker; one of them at a time is the hub
 *   - this tab alone, where the platform lets tabs agree on nothing: the log then belongs to the tab that came last
 */

import { type Candidate, stand } from '../hub/election.ts'
import { type HubSetup, makeHub } from '../hub/setup.ts'
import { volatileLog } from '../log/volatile.ts'
import type { Agreement, Platform } from '../platform.ts'
import { type Alone, aloneOn } from './alone.ts'
import { Seeker } from './seeker.ts'
import type { Tab } from './tab.ts'

export interface DeviceSetup extends HubSetup {
  /** Names the log: one for each server and user. */
  readonly device: string
}

const OUTDATED =
  'a newer version of this page is open in another tab, which keeps the edits; reload this page'

/** Offers to be the hub. */
export function standOnDevice(platform: Platform, agreement: Agreement, setup: DeviceSetup): Candidate {
  const make = async (src: string, fenced: () => void) =>
    makeHub(platform, setup, await platform.openLog(setup.device), src, fenced)
  return stand(agreement, setup.device, make, platform.randomBytes)
}

/** Brings `tab` to the hub of this device and keeps it there; `worker` is the address of the hub's script. */
export function joinDevice(
  platform: Platform,
  setup: DeviceSetup,
  tab: Tab,
  worker: string | URL | null,
): Alone {
  const { agreement, clock } = platform
  if (agreement === null) return aloneOn(platform, platform.openLog(setup.device), tab, setup)
  let candidate: Candidate | null = null
  let shelter: Alone | null = null
  const here = () => {
    candidate ??= standOnDevice(platform, agreement, setup)
    return candidate
  }
  const launch = () => {
    if (worker === null) here()
    else startWorker(worker, setup, here)
  }
  const seeker = new Seeker(
    {
      agreement,
      clock,
      name: setup.device,
      launch,
      takeOver: () => here().takeOver(),
      outdated() {
        if (shelter) return
        seeker.close()
        shelter = aloneOn(platform, Promise.resolve(volatileLog(OUTDATED)), tab, setup)
      },
    },
    tab,
  )
  return {
    async close() {
      seeker.close()
      await candidate?.close()
      await shelter?.close()
    },
  }
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
