/** Where the time of a stretch of work goes, by function and process: what to make faster. */

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Profiler } from 'node:inspector'
import { figure } from './table.ts'

export type ProfileMessage = { profile: 'start' | 'stop' }
export type ProfileReply = { profile: 'started' | Profiler.Profile }

/** Arguments for Node that let `profiled` look into a process. */
export const hookArguments: readonly string[] = [
  '--import',
  new URL('./profile-hook.ts', import.meta.url).href,
]

const SHOWN = 25

/** Runs `work` and prints the functions in which each process spent most of its own time. */
export async function profiled<T>(
  processes: Readonly<Record<string, ChildProcess>>,
  work: () => Promise<T>,
): Promise<T> {
  const children = Object.entries(processes)
  await Promise.all(children.map(([, child]) => order(child, 'start')))
  const result = await work()
  for (const [name, child] of children) {
    const { profile } = await order(child, 'stop')
    if (profile !== 'started') console.log(`\n${name}, own time in ms:\n${hottest(profile).join('\n')}`)
  }
  return result
}

async function order(child: ChildProcess, what: ProfileMessage['profile']): Promise<ProfileReply> {
  const replied = new Promise<ProfileReply>(resolve => {
    const take = (message: object) => {
      if (!('profile' in message)) return
      child.off('message', take)
      resolve(message as ProfileReply)
    }
    child.on('message', take)
    once(child, 'exit').then(() => child.off('message', take))
  })
  child.send({ profile: what } satisfies ProfileMessage)
  return replied
}

/** Lines of `ms  function  file:line`, the greatest first; idle time is not work, nor is profiling. */
function hottest({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): string[] {
  const byId = new Map(nodes.map(node => [node.id, node.callFrame]))
  const own = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id)!
    if (functionName === '(idle)' || url === 'node:inspector') continue
    const place = url === '' ? '' : `  ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`
    const name = `${functionName || '(anonymous)'}${place}`
    own.set(name, (own.get(name) ?? 0) + timeDeltas[index]! / 1000)
  }
  const total = [...own.values()].reduce((sum, ms) => sum + ms, 0)
  const lines = [...own].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)
  return [['all', total] as const, ...lines].map(([name, ms]) => `${figure(ms).padStart(8)}  ${name}`)
}
