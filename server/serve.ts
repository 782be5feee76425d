/** One server as a process, from its settings to its end. */

import { resolve } from 'node:path'
import { openLog } from './log.ts'
import { openMetrics } from './metrics.ts'
import { fail } from './report.ts'
import { startServer } from './server.ts'
import type { Settings } from './settings.ts'

/** Starts it and resolves with where it is; signals end it, and the process with it. */
export async function serve(settings: Settings): Promise<string> {
  const log = openLog(settings.LOG)
  const metrics = openMetrics()
  metrics.process()
  const server = await startServer(settings, { web: await builtPages(settings.WEB), log, metrics })
  log.info('ready', { url: server.url })

  const stop = (signal: string, exitCode: number) => {
    log.info('shuts down', { signal })
    server.close().then(
      () => process.exit(exitCode),
      error => fail(error),
    )
  }
  process.on('SIGTERM', () => stop('SIGTERM', 0))
  process.on('SIGINT', () => stop('SIGINT', 0))
  // A promise that nobody waited for leaves nothing half done; an exception may: the op log is safe, memory is not.
  process.on('unhandledRejection', error => log.error('a promise was rejected unheard', error))
  process.on('uncaughtException', error => {
    log.error('an exception was not caught', error)
    stop('uncaught exception', 1)
  })
  return `Holdfast is ready at ${server.url}`
}

/** The bundler is loaded only where it is needed: an image with built pages can do without it. */
async function builtPages(web: string): Promise<string> {
  if (web !== 'build') return resolve(web)
  const { ensureBundle } = await import('./bundle.ts')
  return ensureBundle()
}
