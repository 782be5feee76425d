/** A hub for one tab and nobody else, in the tab's own program. */

import { newSrc } from '../../ops/identity.ts'
import type { FromHub, FromTab } from '../hub/messages.ts'
import { pipe } from '../hub/port.ts'
import { type HubSetup, makeHub } from '../hub/setup.ts'
import type { Log } from '../log/log.ts'
import type { Platform } from '../platform.ts'
import type { Tab } from './tab.ts'

export interface Alone {
  close(): Promise<void>
}

/** Starts it when its log is open; the tab may be used at once. */
export function aloneOn(platform: Platform, log: Promise<Log>, tab: Tab, setup: HubSetup): Alone {
  const [near, far] = pipe<FromHub, FromTab>()
  tab.meet(near)
  const hub = log.then(opened => {
    const made = makeHub(platform, setup, opened, newSrc(platform.randomBytes))
    made.serve(far)
    return made
  })
  return { close: async () => (await hub).close() }
}
