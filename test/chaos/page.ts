/** The page of the chaos tests: a client in real life, driven by a few words instead of a keyboard, so that much happens. */

import { type Client, connect, type Doc, type Loss, type Truth } from '../../client/index.ts'
import type { Change } from '../../ops/change.ts'
import { typeOf } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'
import { Random } from '../random.ts'
import { insertion, tokensOf } from '../sim/edits.ts'
import { planted } from './bugs.ts'
import { type ChaosPage, DEVICE, type Host } from './opening.ts'
import { CLOCKS, skewClock } from './skew.ts'

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

const upcasts = { lift: (change: Change) => change, refuse: () => null }

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
    const { server, id, signed, seed, skewMs, schema, bug } = opening
    type = opening.type
    random = new Random(seed)
    skewClock(skewMs)
    const worker = `/hub.js?${new URLSearchParams({ skew: String(skewMs), bug: bug ?? '' })}`
    client = connect({
      server,
      device: DEVICE,
      worker,
      timings,
      schema: {
        version: schema.version,
        upcast: Object.fromEntries(
          Array.from({ length: schema.version }, (_, from) => [from, upcasts[schema.upcasts]]),
        ),
      },
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
  restore: () => void doc.restore('mine'),
  jump(ms) {
    skewClock(ms)
    const clocks = new BroadcastChannel(CLOCKS)
    clocks.postMessage(ms)
    clocks.close()
  },
  noted() {
    const text = localStorage.getItem(`holdfast:canary:${DEVICE}`)
    if (text === null) return null
    const docs = Object.values(JSON.parse(text).docs) as [number, number][]
    return { text, edits: docs.reduce((sum, [, edits]) => sum + edits, 0) }
  },
}

/** What the browser lost of this device is told, too. */
function mourn(loss: Loss | null): void {
  if (loss) void chaosTell({ saved: [], settled: [], error: null, lost: loss.edits })
}

/** Everything made so far is what the truth says now. */
function tell({ saved, settled, held, unsent, error }: Truth): void {
  const report = {
    saved: saved ? made.saved.splice(0) : [],
    settled: settled || (held > 0 && unsent === 0) ? made.settled.splice(0) : [],
    error: error?.code ?? null,
    lost: 0,
  }
  void chaosTell(report)
}

Object.assign(globalThis, { chaos: page })
