/** Loaded into a process before its own code: tells the bench what it takes of the machine. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { UsageQuestion, UsageReply } from './usage.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const reply = (used: number) => process.send!({ used } satisfies UsageReply)

process.on('message', ({ usage }: UsageQuestion | { usage?: undefined }) => {
  if (usage === 'cpu') {
    const { user, system } = process.cpuUsage()
    reply((user + system) / 1000)
  }
  if (usage !== 'memory') return
  collect()
  // What finalizers have let go of goes at the second time.
  setImmediate(() => {
    collect()
    reply(process.memoryUsage.rss())
  })
})
