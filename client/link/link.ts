/**
 * The connection to the server, as the hub sees it: frames in order while it is up, and the truth about its phase.
 * A link never keeps a frame for later: what was sent before it went down may or may not have arrived.
 */

import type { ErrorCode } from '../../ops/errors.ts'
import type { ClientFrame, ServerFrame } from '../../ops/protocol.ts'
import type { Network, Pace } from './network.ts'

export type Phase =
  | {
      readonly name: 'waiting'
      /** When the next try starts (clock ms). */
      readonly until: number
      readonly tries: number
      /** Why, where that is known: what a person may have to mend (TOKEN_INVALID), or can only wait for. */
      readonly code?: ErrorCode
    }
  /** Asks the app for a token, if it gives any, and dials. */
  | { readonly name: 'dialing'; readonly tries: number }
  /** The greeting is on its way, and frames may follow it; nothing is heard before the server has greeted back. */
  | { readonly name: 'greeting'; readonly tries: number }
  /** `devices`: the server keeps manifests of devices. */
  | { readonly name: 'up'; readonly devices?: boolean }
  /** Closed by us, or for a reason that another try would not mend. */
  | { readonly name: 'closed'; readonly code: ErrorCode | null }

/** Whether frames can be sent. */
export const isOpen = (phase: Phase): boolean => phase.name === 'greeting' || phase.name === 'up'

export interface LinkEvents {
  phase(phase: Phase): void
  frame(frame: ServerFrame): void
  /** The network became slow or metered, or is so no more. */
  network?(network: Network): void
}

export interface Link {
  readonly phase: Phase
  /** Milliseconds, smoothed; null while nothing is measured on this connection. */
  readonly roundTrip: number | null
  readonly network: Network
  /** How to send on this network. */
  readonly pace: Pace
  /** Sends now if the link is greeting or up; says whether it did. */
  send(frame: ClientFrame): boolean
  /** Drops the connection, if any, and dials again now. */
  retry(): void
  /**
   * The network is back or the page woke up: dials if it was waiting, else asks whether the line is alive, and dials anew
   * if there is no reply within `wakeReplyMs`.
   */
  wake(): void
  close(): void
}

/** A socket as the link needs it: a WebSocket in life, a seeded network in the simulation. */
export interface Socket {
  send(text: string): void
  /** After `close` nothing is reported any more. */
  close(code?: number, reason?: string): void
}

export interface SocketEvents {
  open(): void
  text(text: string): void
  /** Once, however the socket ended. */
  close(code: number, reason: string): void
}

export type Dial = (url: string, events: SocketEvents) => Socket
