/** Keeps history as long as HOLDFAST_HISTORY says: trims at the start and every hour after it. */

import type { Report } from './report.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store/store.ts'

const HOUR_MS = 3_600_000

/** `span`: how long raw ops stay, in ms. Answers how to end it. */
export function keepHistory(store: Store, span: Settings['HISTORY'], report: Report): () => void {
  if (span === 'all') return () => {}
  const trim = () => {
    store.trim(Date.now() - span).catch(error => report('history was not trimmed', error))
  }
  const timer = setInterval(trim, HOUR_MS)
  timer.unref()
  trim()
  return () => clearInterval(timer)
}
