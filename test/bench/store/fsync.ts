/** The floor of a durable commit: 4 kB are appended and synced, one after the other, where the stores are. */

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { newFolder } from './places.ts'
import { type Round, roundOf } from './round.ts'

const SYNCS = 300

export async function measureFsync(): Promise<Round> {
  const folder = await newFolder()
  const file = openSync(join(folder.at, 'log'), 'a')
  const page = Buffer.alloc(4096, 'x')
  const latencies = new Float64Array(SYNCS)
  const from = performance.now()
  try {
    for (let i = 0; i < SYNCS; i++) {
      const start = performance.now()
      writeSync(file, page)
      fdatasyncSync(file)
      latencies[i] = performance.now() - start
    }
    return roundOf({ latencies, ms: performance.now() - from, busy: Number.NaN })
  } finally {
    closeSync(file)
    await folder.remove()
  }
}
