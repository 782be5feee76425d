/** What another process takes of the machine. */

import type { ChildProcess } from 'node:child_process'

export type UsageQuestion = { readonly usage: 'memory' | 'cpu' }
export type UsageReply = { readonly used: number }

/** Arguments for Node that let these functions ask a process. */
export const usageArguments: readonly string[] = [
  '--import',
  new URL('./usage-hook.ts', import.meta.url).href,
]

/** Memory that is resident, the garbage collected, in bytes. */
export const memoryOf = (child: ChildProcess): Promise<number> => ask(child, { usage: 'memory' })

/** Time of the processor since its start, in ms. */
export const cpuOf = (child: ChildProcess): Promise<number> => ask(child, { usage: 'cpu' })

function ask(child: ChildProcess, question: UsageQuestion): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (message: object) => {
      if (!('used' in message)) return
      child.off('message', settle).off('exit', fail)
      resolve((message as UsageReply).used)
    }
    const fail = () => reject(new Error('the server has ended'))
    child.on('message', settle).once('exit', fail)
    child.send(question)
  })
}
