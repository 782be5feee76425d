/**
 * One submit at a time for each document. ShareDB lets simultaneous writers race for a version, and each loser reads
 * and transforms again: 50 writers cost 1,275 commits (k(k+1)/2). In turns they cost 50.
 */

export interface Turns {
  /** Runs `start` when all who asked for `key` before have ended; at once when there is nobody. */
  take(key: string, start: () => void): void
  /** Ends the present turn of `key` and starts the next. */
  end(key: string): void
}

export function openTurns(): Turns {
  /** Who waits, for each key that has a turn running. */
  const waiting = new Map<string, (() => void)[]>()
  return {
    take(key, start) {
      const queue = waiting.get(key)
      if (queue) {
        queue.push(start)
        return
      }
      waiting.set(key, [])
      start()
    },
    end(key) {
      const start = waiting.get(key)?.shift()
      if (start) start()
      else waiting.delete(key)
    },
  }
}
