/**
 * The table of bad inputs: whatever a broken or hostile program sends, and what it is told. The rows of each kind are in a file
 * of their own; send.ts knows how a kind is sent, bad.test.ts runs them all.
 */

import type { ErrorCode } from '../../../ops/errors.ts'
import type { Asking } from '../api/asking.ts'
import type { AnyFrame } from '../scene.ts'
import { bytes } from './bytes.ts'
import { frames } from './frames.ts'
import { requests } from './requests.ts'
import type { Signer } from './signer.ts'
import { tokens } from './tokens.ts'
import { wires } from './wires.ts'

/** Said on a WebSocket after the greeting. */
export interface BadFrame {
  readonly what: string
  readonly send: AnyFrame | string | Uint8Array
  readonly code: ErrorCode
  /** The connection ends with this code; without it the connection goes on. */
  readonly close?: number
}

/** Asked of the HTTP API by a client that knows HTTP. */
export interface BadRequest extends Asking {
  readonly what: string
  readonly path: string
  readonly code: ErrorCode
}

/** Sent to the port as it stands; TOKEN is a good token. What is answered is the first answer that refuses. */
export interface BadBytes {
  readonly what: string
  readonly bytes: string
  readonly code: ErrorCode
}

/** Sent on a WebSocket under its frames; the protocol has numbers for what is wrong (RFC 6455, 7.4.1). */
export interface BadWire {
  readonly what: string
  readonly bytes: Uint8Array
  readonly close: number
}

/** A token, in a greeting and in a request. */
export interface BadToken {
  readonly what: string
  readonly make: (signer: Signer) => string | Promise<string>
  readonly code: ErrorCode
}

export type Bad =
  | ({ readonly kind: 'frame' } & BadFrame)
  | ({ readonly kind: 'request' } & BadRequest)
  | ({ readonly kind: 'bytes' } & BadBytes)
  | ({ readonly kind: 'wire' } & BadWire)
  | ({ readonly kind: 'token' } & BadToken)
export type Kind = Bad['kind']

export const table: readonly Bad[] = [
  ...frames.map(row => ({ kind: 'frame', ...row }) as const),
  ...requests.map(row => ({ kind: 'request', ...row }) as const),
  ...bytes.map(row => ({ kind: 'bytes', ...row }) as const),
  ...wires.map(row => ({ kind: 'wire', ...row }) as const),
  ...tokens.map(row => ({ kind: 'token', ...row }) as const),
]
