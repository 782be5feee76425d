/**
 * What a client may say: every frame is read here before anything else looks at it.
 *
 *   text -> size -> depth -> JSON -> schema -> names -> content of a create -> frame
 *
 * or a refusal at the first that fails. A text may hold several frames, as an array: each is read for itself. What an op says is checked where its document's type is known (backend.ts).
 */

import * as v from 'valibot'
import { isDeeperThan } from '../../ops/depth.ts'
import type { ErrorCode } from '../../ops/errors.ts'
import { errors } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import { findType } from '../../types/index.ts'
import type { Settings } from '../settings.ts'
import { sharedb } from '../sharedb.ts'
import { type Address, addressOf } from './address.ts'
import { type Frame, isObject, schemas } from './schemas.ts'

export type FrameLimits = Pick<Settings, 'FRAME_BYTES' | 'JSON_DEPTH' | 'NAME_CHARS'>

export interface FrameFault {
  readonly code: ErrorCode
  readonly message: string
  /** The fields that tell the client which request is meant; null when there is no telling. */
  readonly address: Address | null
}

export type FrameRead = { readonly frame: Frame; readonly fault?: undefined } | { readonly fault: FrameFault }

/** Frames that one text may hold; told in the greeting. */
export const BATCH_FRAMES = 256

/** Reads one text, of one frame or of several. O(length), never throws. */
export function readFrames(text: string, limits: FrameLimits): FrameRead[] {
  const tooLarge = text.length > limits.FRAME_BYTES || Buffer.byteLength(text) > limits.FRAME_BYTES
  const tooDeep = isDeeperThan(text, limits.JSON_DEPTH)
  const parsed = parse(text)
  const raws: readonly unknown[] = Array.isArray(parsed) && isBatch(parsed) ? parsed : [parsed]
  const refuseAll = (code: ErrorCode, message: string): FrameRead[] =>
    raws.map(raw => ({ fault: { code, message, address: addressOf(raw) } }))
  if (tooLarge) return refuseAll('FRAME_TOO_LARGE', `The frame is larger than ${limits.FRAME_BYTES} bytes.`)
  if (tooDeep) return refuseAll('FRAME_TOO_DEEP', `The frame nests deeper than ${limits.JSON_DEPTH} levels.`)
  return raws.map(raw => readFrame(raw, limits))
}

/** Anything else that is an array is refused as one frame that it is not. */
const isBatch = (list: readonly unknown[]): boolean => list.length > 0 && list.length <= BATCH_FRAMES

function readFrame(raw: unknown, limits: FrameLimits): FrameRead {
  const refuse = (code: ErrorCode, message: string): FrameRead => ({
    fault: { code, message, address: addressOf(raw) },
  })
  if (!isObject(raw)) return refuse('FRAME_MALFORMED', 'The frame is not a JSON object.')
  if (!isAction(raw.a))
    return refuse('FRAME_MALFORMED', 'The frame names no action (a) that this server knows.')

  const result = v.safeParse(schemas[raw.a], raw, { abortEarly: true })
  if (!result.success) return refuse('FRAME_MALFORMED', describe(raw.a, result.issues[0]))
  const frame: Frame = result.output
  const name = badName(frame, limits.NAME_CHARS)
  if (name !== null) return refuse('NAME_INVALID', name)
  const fault = 'create' in frame && frame.create ? createFault(frame.create) : null
  return fault ? refuse(fault.code, fault.message) : { frame }
}

/** V8 parses without recursion, so a frame that was found too deep can still be asked whom it concerns. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isAction = (action: unknown): action is keyof typeof schemas =>
  typeof action === 'string' && Object.hasOwn(schemas, action)

function describe(action: string, issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue)
  return path
    ? `Field ${path} of a frame "${action}" is not as it must be.`
    : `In a frame "${action}" ${issue.message}.`
}

function badName(frame: Frame, limit: number): string | null {
  const names: string[] = []
  if ('c' in frame && frame.c != null) names.push(frame.c)
  if ('d' in frame && frame.d != null) names.push(frame.d)
  if ('b' in frame) names.push(...(Array.isArray(frame.b) ? frame.b : Object.keys(frame.b)))
  for (const name of names) {
    const fault = nameFault(name, limit)
    if (fault) return fault
  }
  // ShareDB makes a document's presence channel of both names and a prefix.
  return 'ch' in frame ? nameFault(frame.ch, 2 * limit + 64) : null
}

/** A client names a type by its URI or by its library's name, which ShareDB knows; and ShareDB knows more than we serve. */
function createFault(create: { type: string; data?: unknown }): { code: ErrorCode; message: string } | null {
  const type = findType(sharedb.types.map[create.type]?.uri)
  if (!type) return { code: 'TYPE_UNKNOWN', message: errors.TYPE_UNKNOWN.meaning }
  return create.data === undefined ? null : type.checkData(create.data)
}
