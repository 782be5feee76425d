/**
 * The processes that tests start. Each is the head of a process group of its own, so that its helpers can be ended with
 * it by one id, and all that are left are ended when the test process ends, however it does.
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

const groups = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of groups) signalGroup(child, 'SIGKILL')
})

/** Starts `command` as the head of a new process group; end it by `end`. */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true })
  if (child.pid !== undefined) groups.add(child)
  return child
}

/**
 * Sends `signal` to `child`, waits until it is gone and kills what is left of its group. `SIGKILL` goes to the whole
 * group at once, other signals to the child alone, and after `patienceMs` SIGKILL follows them.
 */
export async function end(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGKILL',
  patienceMs = 10_000,
): Promise<void> {
  if (!groups.has(child)) return
  if (isRunning(child)) {
    const gone = once(child, 'exit')
    const impatient = setTimeout(() => signalGroup(child, 'SIGKILL'), patienceMs)
    if (signal === 'SIGKILL') signalGroup(child, signal)
    else child.kill(signal)
    await gone
    clearTimeout(impatient)
  }
  signalGroup(child, 'SIGKILL')
  groups.delete(child)
}

export const isRunning = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // Nobody of the group is left.
  }
}
