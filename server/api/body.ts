/** The body of a request: read within the limits of a frame, before anything looks at what it says (gateway/frames.ts). */

import type { Request } from 'express'
import * as v from 'valibot'
import { isDeeperThan } from '../../ops/depth.ts'
import { type ErrorCode, HoldfastError } from '../../ops/errors.ts'
import type { FrameLimits } from '../gateway/frames.ts'

/** Throws MEDIA_TYPE_UNSUPPORTED, FRAME_TOO_LARGE, FRAME_TOO_DEEP, FRAME_MALFORMED. */
export async function readBody<T>(
  request: Request,
  schema: v.GenericSchema<unknown, T>,
  { FRAME_BYTES, JSON_DEPTH }: FrameLimits,
): Promise<T> {
  expectMedia(request, 'application/json')
  const chunks: Uint8Array[] = []
  const refusal = new HoldfastError('FRAME_TOO_LARGE', `The body is larger than ${FRAME_BYTES} bytes.`)
  if (Number(request.get('content-length') ?? 0) > FRAME_BYTES) throw refusal
  for await (const chunk of limited(request, FRAME_BYTES, refusal)) chunks.push(chunk)
  const text = decoded(Buffer.concat(chunks))
  if (isDeeperThan(text, JSON_DEPTH))
    throw new HoldfastError('FRAME_TOO_DEEP', `The body nests deeper than ${JSON_DEPTH} levels.`)
  const result = v.safeParse(schema, parsed(text), { abortEarly: true })
  if (result.success) return result.output
  const [issue] = result.issues
  const path = v.getDotPath(issue)
  throw malformed(path ? `Field ${path} of the body is not as it must be.` : `In the body ${issue.message}.`)
}

/** A body is of one type, in UTF-8 and not compressed: what it unfolds to would have to be limited anew. */
export function expectMedia(request: Request, media: string): void {
  const [type, ...rest] = (request.get('content-type') ?? '')
    .split(';')
    .map(part => part.trim().toLowerCase())
  const inUtf8 = rest.every(part => !part.startsWith('charset=') || /^charset="?utf-?8"?$/.test(part))
  const plain = ['', 'identity'].includes(request.get('content-encoding') ?? '')
  if (type !== media || !inUtf8 || !plain)
    throw new HoldfastError(
      'MEDIA_TYPE_UNSUPPORTED',
      `The body must be ${media}, in UTF-8 and not compressed.`,
    )
}

/** The bytes as they come, but no more than so many; the connection stays, for the answer. */
export async function* limited(request: Request, most: number, refusal: Error): AsyncGenerator<Uint8Array> {
  let length = 0
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += chunk.length
      if (length > most) throw refusal
      yield chunk
    }
  } catch (error) {
    // Whoever sent it has gone, or what came was no HTTP any more: that is no fault of ours.
    throw error === refusal ? error : new HoldfastError('REQUEST_MALFORMED', 'The body was cut off.')
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('The body is not UTF-8.')
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('The body is not JSON.')
  }
}

const malformed = (message: string): HoldfastError => new HoldfastError('FRAME_MALFORMED', message)

/** What reading a body may be answered with. */
export const bodyErrors: readonly ErrorCode[] = [
  'MEDIA_TYPE_UNSUPPORTED',
  'FRAME_TOO_LARGE',
  'FRAME_TOO_DEEP',
  'FRAME_MALFORMED',
]
