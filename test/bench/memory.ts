/** The memory of another process. */

import type { ChildProcess } from 'node:child_process'

export interface MemoryQuestion {
  readonly memory: 'tell'
}

export interface MemoryReply {
  /** Resident bytes. */
  readonly memory: number
}

/** Arguments for Node that let `memoryOf` ask a process. */
export const memoryArguments: readonly string[] = [
  '--import',
  new URL('./memory-hook.ts', import.meta.url).href,
]

/** What the process has of the machine's memory, its garbage collected, in bytes. */
export function memoryOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (message: object) => {
      if (!('memory' in message)) return
      child.off('message', settle).off('exit', fail)
      resolve((message as MemoryReply).memory)
    }
    const fail = () => reject(new Error('the server has ended'))
    child.on('message', settle).once('exit', fail)
    child.send({ memory: 'tell' } satisfies MemoryQuestion)
  })
}
