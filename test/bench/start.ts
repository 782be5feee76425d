/** How the server is started where it is used: every server of a benchmark of servers gets the same arguments for Node. */

import { readFileSync } from 'node:fs'

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  scripts: { start: string }
}

/** Those of `npm start`. */
export const startArguments: readonly string[] = scripts.start
  .split(' ')
  .filter(word => word.startsWith('--'))
