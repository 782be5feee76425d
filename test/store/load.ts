/**
 * A process that writes to a SQLite store until it is killed or the store fails:  node load.ts PATH SRC
 *
 * It types into four documents at once. For every commit that was answered, `DOC SEQ` goes to standard output, written
 * before anything else happens; a failure is printed as `failed CODE` and ends that document's writing.
 */

import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import { text } from '../../types/index.ts'
import { fetched, keyOf, submit } from './writer.ts'

const [path, src] = process.argv.slice(2) as [string, string]
const store = openSqliteStore({ path })

async function type(id: string): Promise<void> {
  const key = keyOf(id)
  for (let seq = 1; ; seq++) {
    const { type } = await fetched(store, key)
    const word = `<${src}:${seq}>`
    await submit(store, key, type ? { op: [word] } : { create: { type: text.uri, data: word } }, { src, seq })
    writeSync(1, `${id} ${seq}\n`)
  }
}

for (const id of ['a', 'b', 'c', 'd']) {
  type(id).catch((error: { code?: string }) => writeSync(1, `failed ${error.code}\n`))
}
