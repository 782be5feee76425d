/** The hub in a worker: a SharedWorker for all tabs, or one of each tab, of which one at a time is the hub. */

import { type DeviceSetup, standOnDevice } from '../hub/setup.ts'
import { thisPlatform } from '../platform.ts'

declare const self: { readonly name: string }

const platform = thisPlatform()
if (platform.agreement) standOnDevice(platform, platform.agreement, JSON.parse(self.name) as DeviceSetup)
