/** Time as the server's parts see it: that of the process in life, one that a test moves in tests. */
export interface Clock {
  /** ms since 1970. */
  now(): number
  /** Runs `task` after `ms`, however many they are; answers what calls it off. */
  after(ms: number, task: () => void): () => void
}

/** A timer of Node's runs at once if it is asked for more. */
const LONGEST_MS = 2 ** 31 - 1

/** The time of the process, which it keeps nobody from ending. */
export const processClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    let timer: NodeJS.Timeout
    const wait = (left: number) => {
      const next = left > LONGEST_MS ? () => wait(left - LONGEST_MS) : task
      timer = setTimeout(next, Math.min(left, LONGEST_MS)).unref()
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
}
