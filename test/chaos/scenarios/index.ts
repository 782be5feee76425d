/** All scenarios, by name. */

import type { BrowserName } from '../../browser/harness/provide.ts'
import { devices } from './devices.ts'
import { life } from './life.ts'
import { line } from './line.ts'
import type { Scenario } from './scenario.ts'
import { server } from './server.ts'
import { storage } from './storage.ts'

export { type Fault, faults } from './faults.ts'
export type { Scenario } from './scenario.ts'

export const scenarios = { ...life, ...devices, ...storage, ...line, ...server } as const

export type ScenarioName = keyof typeof scenarios

/** Whether it can be done in that browser. */
export const isFor = ({ chromium }: Scenario, browser: BrowserName): boolean =>
  browser === 'chromium' || chromium !== true
