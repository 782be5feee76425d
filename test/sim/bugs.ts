/**
 * The mutation check: bugs to plant, one at a time. The checker must find each, or it proves nothing. `seed` finds it;
 * `npm run sim -- --bugs` looks for all of them from the first seed on.
 */

import type { Bug } from './bugs/bug.ts'
import * as line from './bugs/line.ts'
import * as log from './bugs/log.ts'
import * as server from './bugs/server.ts'
import * as tabs from './bugs/tabs.ts'

export type { Bug } from './bugs/bug.ts'

export interface Planted {
  readonly bug: Bug
  readonly seed: number
}

const planted = (bug: Bug, seed: number): Planted => ({ bug, seed })

export const bugs = {
  unsealed: planted(log.unsealed, 2),
  hasty: planted(log.hasty, 16),
  swallowing: planted(log.swallowing, 41),
  unfenced: planted(log.unfenced, 396),
  shortened: planted(log.shortened, 2),
  strange: planted(log.strange, 396),
  renamed: planted(line.renamed, 9),
  ownless: planted(line.ownless, 14),
  unhashed: planted(line.unhashed, 46),
  cutShort: planted(line.cutShort, 43),
  deafToRefusals: planted(line.deafToRefusals, 59),
  confused: planted(line.confused, 1),
  blind: planted(tabs.blind, 1),
  presumptuous: planted(tabs.presumptuous, 24),
  forgetful: planted(tabs.forgetful, 17),
  stuttering: planted(tabs.stuttering, 1),
  shuffling: planted(tabs.shuffling, 1),
  anarchic: planted(tabs.anarchic, 9),
  unoriginal: planted(tabs.unoriginal, 1),
  generous: planted(server.generous, 1),
  lying: planted(server.lying, 1),
  indiscreet: planted(server.indiscreet, 24),
} as const satisfies Record<string, Planted>

export type BugName = keyof typeof bugs
