/**
 * Group commit: edits that arrive at about the same time are written together, so that many documents' ops share one transaction
 * and one sync of the disk. While one group is written the next one gathers, so groups grow with the load by themselves.
 *
 * Whoever was told of a commit writes on, each after another while; so a group waits for as many as the last one had. Without
 * that the first to write on had a sync to itself, and all others waited for it. Who writes alone waits for nobody.
 */

/**
 * Turns of the event loop that a group waits in which no further edit comes, in all: they take about as long as a sync. Were they
 * counted afresh after each edit, a large group would stay large wherever edits trickle in, and its first one would wait for all.
 */
const TURNS = 64

export interface Group<Item, Verdict> {
  /** Resolves with the item's verdict once its group is durable; rejects with what `write` threw. */
  add(item: Item): Promise<Verdict>
  /** Resolves when nothing is waiting or being written. */
  flush(): Promise<void>
}

interface Waiting<Item, Verdict> {
  readonly item: Item
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (error: unknown) => void
}

/** `write` makes all items durable and answers a verdict for each, or throws and leaves none of them. */
export function groupOf<Item, Verdict>(
  write: (items: readonly Item[]) => Promise<readonly Verdict[]>,
): Group<Item, Verdict> {
  let waiting: Waiting<Item, Verdict>[] = []
  /** How many were written together last. */
  let last = 1
  let scheduled: NodeJS.Immediate | undefined
  let writing: Promise<void> | null = null

  /** `known`: how many there were a turn ago; `turns`: those left in which none may come. */
  function gather(known: number, turns: number): void {
    const { length } = waiting
    const left = length > known ? turns : turns - 1
    if (length < last && left > 0) scheduled = setImmediate(() => gather(length, left))
    else start()
  }

  async function writeAll(): Promise<void> {
    clearImmediate(scheduled)
    scheduled = undefined
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      last = group.length
      try {
        const verdicts = await write(group.map(({ item }) => item))
        for (const [i, { resolve }] of group.entries()) resolve(verdicts[i]!)
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
    }
    writing = null
  }

  const start = () => (writing ??= writeAll())

  return {
    flush: () => (waiting.length > 0 ? start() : (writing ?? Promise.resolve())),
    add(item) {
      if (waiting.length === 0 && writing === null) scheduled = setImmediate(() => gather(0, TURNS))
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
      })
    },
  }
}
