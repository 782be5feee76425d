/** Time and chance, passed in so that a simulation can own them. Times are milliseconds. */
export interface Clock {
  now(): number
  /** Runs `task` once after `ms`; the result cancels it. */
  after(ms: number, task: () => void): () => void
  /** Uniform in [0, 1). */
  random(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
  random: Math.random,
}

/** What `promise` resolves to, or undefined when that takes longer than `ms`; leaves no timer behind. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  let cancel = () => {}
  const late = new Promise<undefined>(resolve => {
    cancel = clock.after(ms, () => resolve(undefined))
  })
  return Promise.race([promise, late]).finally(cancel)
}
