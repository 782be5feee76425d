#!/usr/bin/env node
/**
 * `holdfast` under any Node that knows modules: hands over to cli.ts, which needs one that runs TypeScript. Under an older
 * one it takes the Node that `npm ci` brings along; without that it says what is missing.
 */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const NEEDED = 24
const path = name => fileURLToPath(new URL(name, import.meta.url))
const ownNode = path(`../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`)

if (Number.parseInt(process.versions.node, 10) >= NEEDED) await import('./cli.ts')
else if (existsSync(ownNode)) handOver()
else {
  console.error(
    `Holdfast needs Node ${NEEDED}, this is ${process.versions.node}: run npm ci, which brings one along.`,
  )
  process.exitCode = 1
}

/** The other process gets our input, output and signals, and we end as it does. */
function handOver() {
  const child = spawn(ownNode, [path('cli.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 1
    if (signal !== null) console.error(`holdfast was ended by ${signal}.`)
  })
}
