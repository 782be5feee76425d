/**
 * The longest time for which a main thread could do nothing else. A `longtask` of the browser is told from 50 ms on
 * only, so a ping goes round through the event loop as well, and the longest wait for one is taken if it is longer.
 */

/** Resolves in a later task. */
export function turn(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

/** Watches from the next task on. `longest` ends it, and tells the longest gap in ms. */
export async function watchGaps(): Promise<{ longest(): Promise<number> }> {
  let longest = 0
  let watching = true
  const tell = (entries: PerformanceEntryList) => {
    for (const { duration } of entries) longest = Math.max(longest, duration)
  }
  const observer = new PerformanceObserver(list => tell(list.getEntries()))
  await turn()
  observer.observe({ type: 'longtask' })
  let last = performance.now()
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (watching) port2.postMessage(null)
    else port1.close()
  }
  port2.postMessage(null)
  return {
    async longest() {
      await turn() // the task that we are in may be the longest: let it end, and be told of
      await turn()
      watching = false
      tell(observer.takeRecords())
      observer.disconnect()
      return longest
    },
  }
}
