/** The one place where a `rich` document or op, plain JSON, becomes the Delta that Quill speaks. */

import type { RichDoc as RichData, RichOp } from '../../types/rich.ts'
import type { Doc } from '../api.ts'
import { Delta, type Op } from './delta.ts'

export type RichDoc = Doc<RichData, RichOp>

export const richOf = (value: unknown): Delta => new Delta((value as { ops: Op[] }).ops)

export const opOf = (delta: Delta): RichOp => ({ ops: delta.ops }) as RichOp

/** Editors turn "\r\n" into one newline, which would move all positions after it: they get a picture of it instead. */
export const visible = (text: string): string => text.replaceAll('\r', '␍')

/** `delta` as an editor can show it, unit for unit. */
export const visibleIn = (delta: Delta): Delta =>
  new Delta(delta.ops.map(op => (typeof op.insert === 'string' ? { ...op, insert: visible(op.insert) } : op)))
