/**
 * A recorded history of several authors, typed again by as many real clients against a real server process.
 *
 * Each author is offline but for the moments at which, in the recording, somebody reads: an author who reads comes back
 * first, one who is read comes back afterwards. After every return the author's document must have just the characters
 * that the recording says. At the end all come back until all are equal; then the server is asked, stopped, and its op log
 * played from the start (`evidence.ts`).
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HoldfastServer } from '../bench/holdfast-server.ts'
import { type History, type HistoryEdit, ranksOf } from '../traces/history.ts'
import { Author } from './author.ts'
import { type Evidence, neighboursKept, playLog, violationsOf } from './evidence.ts'
import { Exchange } from './knowledge.ts'

export interface Outcome {
  readonly edits: number
  /** How often an author came back online. */
  readonly reconnects: number
  /** From the first edit until all were equal, in ms. */
  readonly ms: number
  /** WebSocket payload bytes of all authors, after they opened the document. */
  readonly sent: number
  readonly received: number
  /** Versions that the server committed. */
  readonly versions: number
  /** Of the pairs of characters that stand side by side in the recorded end, how many do so here, from 0 to 1. */
  readonly neighbours: number
  /** What did not hold; empty when all is well. */
  readonly violations: readonly string[]
}

const ADDRESS = { collection: 'replay', id: 'history' }

export async function replay(history: History): Promise<Outcome> {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-replay-'))
  const server = await HoldfastServer.start({ data })
  const authors: Author[] = []
  try {
    for (let index = 0; index < history.authors; index++) {
      authors.push(await Author.join(`author ${index}`, server.url, ADDRESS))
    }
    for (const author of authors) author.takeTraffic()
    const start = performance.now()
    const reconnects = await type(history, authors)
    const ms = performance.now() - start
    const traffic = authors.map(author => author.takeTraffic())
    const snapshot = (await server.read(ADDRESS.collection, ADDRESS.id)).data
    await server.stop()
    const evidence: Evidence = {
      documents: authors.map(author => author.document),
      held: authors.reduce((sum, author) => sum + author.held, 0),
      snapshot,
      log: await playLog(data, ADDRESS),
    }
    return {
      edits: history.edits.length,
      reconnects,
      ms,
      sent: traffic.reduce((sum, each) => sum + each.out, 0),
      received: traffic.reduce((sum, each) => sum + each.in, 0),
      versions: evidence.log.versions,
      neighbours: neighboursKept(history, ranksOf(evidence.log.document)),
      violations: violationsOf(history, evidence),
    }
  } finally {
    await Promise.all(authors.map(author => author.close()))
    await server.stop()
    await rm(data, { recursive: true, force: true })
  }
}

/** The whole history; answers how often somebody came back. */
async function type({ edits, chars }: History, authors: readonly Author[]): Promise<number> {
  const exchange = new Exchange(authors.length, chars.length)
  let reconnects = 0
  const meet = async (index: number, when: string) => {
    const author = authors[index]!
    await author.comeBack()
    author.leave()
    reconnects++
    exchange.met(index)
    const [found, expected] = [ranksOf(author.document).length, exchange.charactersOf(index).count]
    if (found !== expected)
      throw new Error(`${author.name} has ${found} characters instead of ${expected} ${when}`)
  }
  const step = async (edit: HistoryEdit, index: number) => {
    if (edit.reads) await meet(edit.author, `before edit ${index}`)
    authors[edit.author]!.type(edit)
    exchange.typed(edit)
    if (edit.published) await meet(edit.author, `after edit ${index}`)
  }
  for (const [index, edit] of edits.entries()) await step(edit, index)
  // Once for everybody to send, once more to hear of those who came later.
  for (let round = 0; round < 2; round++) {
    for (const index of authors.keys()) await meet(index, 'at the end')
  }
  return reconnects
}
