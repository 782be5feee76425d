/** The hub in a worker as client/worker/hub.ts has it, with what a scenario does to it: a skewed clock, a planted bug. */

import { type DeviceSetup, standOnDevice } from '../../client/hub/setup.ts'
import { thisPlatform } from '../../client/platform.ts'
import { type BugName, planted } from './bugs.ts'
import { CLOCKS, skewClock } from './skew.ts'

declare const self: { readonly name: string }

const asked = new URLSearchParams(location.search)
skewClock(Number(asked.get('skew')))
new BroadcastChannel(CLOCKS).onmessage = ({ data }) => skewClock(data as number)
const platform = { ...thisPlatform(), ...planted((asked.get('bug') || null) as BugName | null) }
if (platform.agreement) standOnDevice(platform, platform.agreement, JSON.parse(self.name) as DeviceSetup)
