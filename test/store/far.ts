/** An engine as if it were far away, so that the store has to remember what it can. */

import { setImmediate as turn } from 'node:timers/promises'
import type { Engine } from '../../server/store/engine.ts'

export interface FarEngine {
  readonly engine: Engine
  /** What it was asked, by name, in order. */
  readonly asked: string[]
}

/**
 * `near` seen from afar, by one server of several; whoever opened it closes it. `delay` is waited for before each answer;
 * without it, a turn of the event loop.
 */
export function farEngine(
  near: Engine,
  delay: (question: string) => Promise<unknown> = () => turn(),
): FarEngine {
  const asked: string[] = []
  const engine = new Proxy(near, {
    get(_, name: string & keyof Engine) {
      if (name === 'local') return false
      if (name === 'close') return async () => {}
      const part = near[name]
      if (typeof part !== 'function') return part
      return async (...values: unknown[]) => {
        asked.push(name)
        await delay(name)
        return (part as (...values: unknown[]) => unknown).apply(near, values)
      }
    },
  })
  return { engine, asked }
}
