/** One document of the tests of access, and what is said about it. */

import { keyText } from '../../../ops/identity.ts'
import { type AnyFrame, TEXT } from '../scene.ts'
import type { Line } from './site.ts'

export const doc = { c: 'notes', d: 'a' }
export const key = { collection: 'notes', id: 'a' }
/** The channel of its presence. */
export const ch = keyText(key)
export const FORBIDDEN = 'FORBIDDEN'
export const UNAVAILABLE = 'ACCESS_UNAVAILABLE'

export const creation = { a: 'op', ...doc, src: 'root', seq: 1, v: 0, create: { type: TEXT, data: 'hi' } }

/** An edit under a name. */
export const edit = (src: string, seq: number, v: number, op: unknown = ['x']) => ({
  a: 'op',
  ...doc,
  src,
  seq,
  v,
  op,
})

/** The fields of its answer. */
export const answerTo = ({ src, seq }: AnyFrame) => ({ a: 'op', src, seq, op: undefined })
export const send = (line: Line, frame: AnyFrame) => line.ask(frame, answerTo(frame))

/** What a line was told of others' ops. */
export const opsOn = (line: Line) =>
  line.said.filter(({ a, error, op }) => a === 'op' && !error && op !== undefined)
