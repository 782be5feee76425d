/** One driver with one connection in a process of its own, which does what the bench asks for a slice of time. */

import { createHash } from 'node:crypto'
import { answer } from '../process.ts'
import { median } from '../table.ts'
import { type Driver, drivers } from './drivers.ts'
import { groupOf, history, type Statement, single, snapshot } from './work.ts'

/** What is repeated in a slice. */
export type Work =
  | { readonly kind: 'single' | 'history' | 'snapshot' }
  | { readonly kind: 'group'; readonly size: number }

export interface Slice {
  /** Repetitions. */
  readonly count: number
  /** Of one repetition: median time, and this process's share of the processor. */
  readonly ms: number
  readonly cpuMs: number
}

export type DriverCalls = {
  open(argument: { driver: string; url: string; system: number }): Promise<void>
  /** Repeats until `ms` are over, at least once. */
  slice(argument: { work: Work; ms: number }): Promise<Slice>
  /** A hash of what a work reads, to compare. */
  digest(argument: Work): Promise<string>
  /** Groups committed, and the most memory that this process has taken. */
  end(): Promise<{ groups: number; rssBytes: number }>
}

let driver: Driver
let system: number
let groups = 0

const reads: Readonly<Record<string, Statement>> = { single, history, snapshot }

async function doOnce(work: Work): Promise<unknown> {
  return work.kind === 'group'
    ? driver.transact(groupOf(system, groups++, work.size))
    : driver.run(reads[work.kind]!)
}

answer<DriverCalls>({
  async open({ driver: name, url, system: number }) {
    driver = await drivers[name]!(url)
    system = number
  },
  async slice({ work, ms }) {
    const times: number[] = []
    const cpu = process.cpuUsage()
    const start = performance.now()
    do {
      const from = performance.now()
      await doOnce(work)
      times.push(performance.now() - from)
    } while (performance.now() - start < ms)
    const { user, system: kernel } = process.cpuUsage(cpu)
    return { count: times.length, ms: median(times), cpuMs: (user + kernel) / 1000 / times.length }
  },
  async digest(work) {
    return createHash('sha256')
      .update(JSON.stringify(await doOnce(work)))
      .digest('hex')
  },
  async end() {
    await driver.close()
    return { groups, rssBytes: process.resourceUsage().maxRSS * 1024 }
  },
})
