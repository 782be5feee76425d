/** Many seeds, one after another, in as many threads as are wanted; as a worker's script it runs one share of them. */

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { TypeName } from '../../types/type.ts'
import { type BugName, bugs } from './bugs.ts'
import { simulate, typeOfSeed } from './world.ts'

export interface Batch {
  readonly from: number
  readonly count: number
  /** Every seed its own type, if none is named. */
  readonly type?: TypeName | undefined
  readonly bug?: BugName | undefined
  readonly people?: boolean
  /** Ends each share at its first failure. */
  readonly untilFound?: boolean
}

export type Result =
  | { readonly seed: number; readonly counts: Readonly<Record<string, number>>; readonly fault?: undefined }
  | { readonly seed: number; readonly fault: string }

/** A batch, and the seeds of it that one thread takes: every `step`th. */
interface Share extends Batch {
  readonly step: number
}

/** Runs a batch; `report` hears of each seed as it ends. */
export async function runBatch(
  batch: Batch,
  workers: number,
  report: (result: Result) => void,
): Promise<void> {
  if (workers === 1) return runShare({ ...batch, step: 1 }, report)
  const shares = Array.from({ length: workers }, (_, i) => ({
    ...batch,
    from: batch.from + i,
    count: batch.count - i,
    step: workers,
  }))
  await Promise.all(shares.map(share => inThread(share, report)))
}

function inThread(share: Share, report: (result: Result) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share })
    worker.on('message', report)
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })
}

async function runShare(share: Share, report: (result: Result) => void): Promise<void> {
  const { from, count, step, bug, people, untilFound } = share
  for (let seed = from; seed < from + count; seed += step) {
    const type = share.type ?? typeOfSeed(seed)
    try {
      const { counts } = await simulate({ seed, type, bug: bug ? bugs[bug].bug : null, people })
      report({ seed, counts })
    } catch (error) {
      report({ seed, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      if (untilFound) return
    }
  }
}

if (!isMainThread && parentPort) {
  const port = parentPort
  await runShare(workerData as Share, result => port.postMessage(result))
}
