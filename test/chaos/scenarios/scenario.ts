/** A fault done to somebody at work. What must hold in the end is the same for all (checker.ts). */

import type { Home, Person } from '../person.ts'
import type { Seat, World } from '../world.ts'
import type { Fault } from './faults.ts'

export interface Scenario {
  /** One line, for the list. */
  readonly what: string
  readonly faults: readonly Fault[]
  /** Done through what only Chromium's DevTools can. */
  readonly chromium?: true
  /** The server asks for tokens. */
  readonly signed?: true
  run(world: World): Promise<void>
}

export type Scenarios = Readonly<Record<string, Scenario>>

/** One browser with one page, whose first edits are on the server. */
export async function alone(world: World, home: Home = 'worker'): Promise<Person> {
  const ann = await world.person('ann', { browser: await world.browser(), home })
  await ann.type(3)
  await ann.settled()
  return ann
}

/** `count` pages of one browser; the hub's home is in the first if it is in a tab. */
export async function tabs(world: World, count: number, home: Home): Promise<Person[]> {
  const ann = await alone(world, home)
  const people = [ann]
  for (let i = 1; i < count; i++) people.push(await world.person(`tab${i}`, { browser: ann.browser, home }))
  return people
}

/** Two browsers with a page each, and the document. */
export async function two(world: World, seats: readonly Partial<Seat>[] = []): Promise<[Person, Person]> {
  const [one, other] = await Promise.all([world.browser(), world.browser()])
  const ann = await world.person('ann', { browser: one, ...seats[0] })
  await ann.type(2)
  await ann.settled()
  const bob = await world.person('bob', { browser: other, ...seats[1] })
  await bob.sees(2)
  return [ann, bob]
}

/** The network goes, in one way or another. */
export function disconnect({ proxy, random }: World): void {
  proxy.mode = random.pick(['refuse', 'blackhole'])
  if (random.chance(0.5)) proxy.cut()
}

/** Some more was shown as saved than now, or all that is written; how much more is chance. */
export function moreSaved({ ledger, random }: World, most: number): Promise<void> {
  const wanted = Math.min(ledger.count('saved') + 1 + random.int(most), ledger.entries.length)
  return ledger.until(() => ledger.count('saved') >= wanted, `${wanted} tokens are saved`)
}

/** Some more was acked than now, or all is settled: what a page finds on the server after a cut has no ack. */
export function moreAcked({ ledger, random }: World, most: number): Promise<void> {
  const wanted = ledger.count('acked') + 1 + random.int(most)
  const done = () => ledger.count('acked') >= wanted || ledger.count('settled') === ledger.entries.length
  return ledger.until(done, `${wanted} tokens are acked`)
}
