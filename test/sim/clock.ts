/** Virtual time: tasks run in the order of their times, and nothing else moves the clock. */

import type { Clock } from '../../client/clock.ts'
import type { Random } from '../random.ts'

interface Task {
  readonly at: number
  readonly run: () => void
}

export class VirtualClock {
  now = 0
  readonly #tasks: Task[] = []

  /** Runs `run` after `ms`; tasks of the same time run in the order in which they were asked for. */
  after(ms: number, run: () => void): () => void {
    const task = { at: this.now + ms, run }
    this.#tasks.splice(this.#place(task.at), 0, task)
    return () => {
      const index = this.#tasks.indexOf(task)
      if (index >= 0) this.#tasks.splice(index, 1)
    }
  }

  /** Runs the next task; false if there is none. */
  step(): boolean {
    const task = this.#tasks.shift()
    if (!task) return false
    this.now = task.at
    task.run()
    return true
  }

  /** This clock as one device sees it: what it asked for is forgotten when it dies, and its `random` is seeded. */
  of(random: Random, alive: () => boolean): Clock {
    return {
      now: () => this.now,
      after: (ms, run) => this.after(ms, () => alive() && run()),
      random: () => random.next(),
    }
  }

  /** The first index whose task is later than `at`. */
  #place(at: number): number {
    let low = 0
    let high = this.#tasks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#tasks[middle]!.at <= at) low = middle + 1
      else high = middle
    }
    return low
  }
}
