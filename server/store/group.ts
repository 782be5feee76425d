/**
 * Group commit: what arrives in one turn of the event loop is written together, so that many documents' ops share one
 * transaction and one fsync. While the disk is busy the sockets fill up, and the next group is larger by itself.
 */

export interface Group<Item, Verdict> {
  /** Resolves with the item's verdict once its group is durable; rejects with what `write` threw. */
  add(item: Item): Promise<Verdict>
  /** Writes what is waiting now. */
  flush(): void
}

/** `write` makes all items durable and answers a verdict for each, or throws and leaves none of them. */
export function groupOf<Item, Verdict>(
  write: (items: readonly Item[]) => readonly Verdict[],
): Group<Item, Verdict> {
  let waiting: { item: Item; resolve: (verdict: Verdict) => void; reject: (error: unknown) => void }[] = []

  function flush(): void {
    const group = waiting
    waiting = []
    if (group.length === 0) return
    try {
      const verdicts = write(group.map(({ item }) => item))
      group.forEach(({ resolve }, i) => {
        resolve(verdicts[i]!)
      })
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  return {
    flush,
    add(item) {
      if (waiting.length === 0) setImmediate(flush)
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
      })
    },
  }
}
