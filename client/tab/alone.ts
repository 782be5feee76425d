/** A hub for one tab and nobody else, in the tab's own program. */

import { newSrc } from '../../ops/identity.ts'
import type { FromHub, FromTab } from '../hub/messages.ts'
import { pipe } from '../hub/port.ts'
import type { HubSetup } from '../hub/setup.ts'
import type { Log } from '../log/log.ts'
import type { Platform } from '../platform.ts'
import type { Tab } from './tab.ts'

/** The code of the hub, loaded where one is needed. */
export type HubCode = typeof import('../hub/setup.ts')
export const hubCode = (): Promise<HubCode> => import('../hub/setup.ts')

/** Where a tab finds its hub. */
export interface Home {
  /** The browser may put the page away as it is: nothing of it may be in another tab's way, or hear one. */
  sleep(): void
  /** The page is back. Its socket is not to be trusted: a page that was put away has it open, and it even answers pings. */
  wake(): void
  close(): Promise<void>
}

/** Starts it when its log is open; the tab may be used at once. */
export function aloneOn(
  platform: Platform,
  open: (code: HubCode) => Log | Promise<Log>,
  tab: Tab,
  setup: HubSetup,
): Home {
  const [near, far] = pipe<FromHub, FromTab>()
  tab.meet(near)
  const starting = async () => {
    const code = await hubCode()
    const hub = code.makeHub(platform, setup, await open(code), newSrc(platform.randomBytes))
    hub.serve(far)
    return hub
  }
  const hub = starting()
  return {
    sleep() {}, // it is nobody else's
    wake: () => tab.reconnect(),
    close: async () => (await hub).close(),
  }
}
