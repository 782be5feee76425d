/** Loaded into a server before its own code: tells the bench how much memory it holds once its garbage is collected. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MemoryQuestion, MemoryReply } from './memory.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

process.on('message', (message: MemoryQuestion | { memory?: undefined }) => {
  if (message.memory !== 'tell') return
  collect()
  // What finalizers have let go of goes at the second time.
  setImmediate(() => {
    collect()
    process.send!({ memory: process.memoryUsage.rss() } satisfies MemoryReply)
  })
})
