/** A collection with its history, out of the server and into it (store/lines.ts). */

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import { expectMedia, limited } from './body.ts'
import { route } from './route.ts'

export const NDJSON = 'application/x-ndjson'

export const exportDocs = route({
  method: 'get',
  path: '/v1/export/:collection',
  summary:
    'The collection with its whole history as JSON lines; one that was cut lacks the last line, `end`.',
  needs: 'manage',
  answer: { [NDJSON]: 'text' },
  errors: ['NOT_FOUND', 'STORE_CORRUPT'],
  async run({ gateway, key, response }) {
    const lines = gateway.store.export(key.collection)
    // Whether there is anything is known after the first line.
    const begun = [await lines.next(), await lines.next()].flatMap(({ value }) => value ?? [])
    response.type(NDJSON)
    const text = async function* () {
      yield* begun
      yield* lines
    }
    // A failure on the way cuts the answer off: it is too late for a code.
    await pipeline(Readable.from(text()), response).catch(error => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') gateway.report('an export was cut', error)
      response.destroy()
    })
  },
})

export const importDocs = route({
  method: 'post',
  path: '/v1/import/:collection',
  summary:
    'Adds the documents of an export to the collection, with their history; those that are there are passed over.',
  needs: 'manage',
  body: 'ndjson',
  answer: {
    'application/json': v.strictObject({
      collection: v.string(),
      documents: v.number(),
      ops: v.number(),
      known: v.number(),
    }),
  },
  errors: ['IMPORT_INVALID', 'IMPORT_TOO_LARGE', 'DOCUMENT_EXISTS', 'MEDIA_TYPE_UNSUPPORTED'],
  async run({ gateway: { store, settings, feed }, key, request, rights }) {
    expectMedia(request, NDJSON)
    const refusal = new HoldfastError('IMPORT_TOO_LARGE')
    try {
      // Who may manage one collection must not give away srcs, which count in all of them.
      const lines = limited(request, settings.IMPORT_BYTES, refusal)
      return await store.import(key.collection, lines, {
        unowned: rights !== null,
        nameChars: settings.NAME_CHARS,
      })
    } finally {
      feed.wake(key.collection)
    }
  },
})
