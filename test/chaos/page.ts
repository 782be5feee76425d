/** The page of the chaos tests: a client in real life, driven by a few words instead of a keyboard, so that much happens. */

import { type Client, connect, type Doc, type Loss, type Truth } from '../../client/index.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { Random } from '../random.ts'
import { insertion, tokensOf } from '../sim/edits.ts'
import { type BugName, planted } from './bugs.ts'
import { skewClock } from './skew.ts'

export interface Opening {
  readonly server: string
  readonly id: string
  readonly type: TypeName
  readonly seed: number
  /** Asks the test for a token; see `Host`. */
  readonly signed: boolean
  readonly skewMs: number
  readonly bug: BugName | null
}

/** What a page says of itself, as it happens. */
export interface Report {
  /** Tokens that this page made and that have become true of since its last report. */
  readonly saved: readonly number[]
  /** On the server or held. */
  readonly settled: readonly number[]
  /** The code of what the person is told. */
  readonly error: string | null
}

/** What the test gives to each page. */
export interface Host {
  chaosTell(report: Report): Promise<void>
  chaosToken(): Promise<string | null>
}

export interface ChaosPage {
  readonly opened: boolean
  open(opening: Opening): Promise<void>
  /** Makes an edit for each of the tokens, with a pause of `everyMs` between them. */
  type(tokens: readonly number[], everyMs: number): Promise<void>
  /** An edit of so many characters that are no tokens. */
  paste(characters: number): void
  look(): Look
  /** Whether it shows just this document; null: none. */
  shows(data: unknown): boolean
  delete(): void
  /** Tries every held edit again. */
  retry(): void
}

export interface Look {
  readonly truth: Truth
  readonly data: unknown
  /** The tokens that a person finds in the list of held edits. */
  readonly held: readonly number[]
}

declare const chaosTell: Host['chaosTell']
declare const chaosToken: Host['chaosToken']

/** A network that is gone for a while is looked for again soon, so that a round is short. */
const timings = {
  connectMs: 4000,
  replyMs: 4000,
  heartbeatMs: 2000,
  backoffBaseMs: 100,
  backoffMaxMs: 1000,
  probeMs: 1000,
}

let client: Client | null = null
let doc: Doc
let type: TypeName
let random: Random
/** Made here, and not reported yet as what the index says. */
const made = { saved: [] as number[], settled: [] as number[] }

const page: ChaosPage = {
  get opened() {
    return client !== null
  },
  async open(opening) {
    const { server, id, signed, seed, skewMs, bug } = opening
    type = opening.type
    random = new Random(seed)
    skewClock(skewMs)
    const worker = `/hub.js?${new URLSearchParams({ skew: String(skewMs), bug: bug ?? '' })}`
    client = connect({
      server,
      device: 'chaos',
      worker,
      timings,
      ...planted(bug),
      ...(signed && { token: () => chaosToken() }),
    })
    client.on('loss', mourn)
    mourn(client.loss)
    doc = await client.open('chaos', id, type)
    doc.on('truth', tell)
    tell(doc.truth)
  },
  async type(tokens, everyMs) {
    for (const token of tokens) {
      made.saved.push(token)
      made.settled.push(token)
      doc.edit(insertion(type, doc, token, random))
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  },
  paste(characters) {
    const bytes = crypto.getRandomValues(new Uint8Array(Math.min(characters, 65_536)))
    const chunk = Array.from(bytes, byte => String.fromCharCode(97 + (byte % 26))).join('')
    const text = chunk.repeat(Math.ceil(characters / chunk.length)).slice(0, characters)
    if (type === 'text') doc.edit([text])
    else if (type === 'rich') doc.edit({ ops: [{ insert: text }] })
    else doc.edit([`pasted${random.word()}`, { i: text }])
  },
  look: () => ({
    truth: doc.truth,
    data: doc.data,
    held: doc.held.flatMap(({ text }) => tokensOf(text)),
  }),
  shows: data => (doc.truth.exists ? data !== null && typeOf(type).equalDocs(doc.data, data) : data === null),
  delete: () => doc.delete(),
  retry() {
    for (const { name } of doc.held) doc.retry(name)
  },
}

/** Everything made so far is what the truth says now. */
/** What the browser lost of this device is told, too. */
function mourn(loss: Loss | null): void {
  if (loss) void chaosTell({ saved: [], settled: [], error: 'LOSS' })
}

function tell({ saved, settled, held, unsent, error }: Truth): void {
  const report = {
    saved: saved ? made.saved.splice(0) : [],
    settled: settled || (held > 0 && unsent === 0) ? made.settled.splice(0) : [],
    error: error?.code ?? null,
  }
  void chaosTell(report)
}

Object.assign(globalThis, { chaos: page })
