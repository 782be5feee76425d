/**
 * What the network is like, as far as a page can know: the platform's hints (Network Information API; Chromium only), and the
 * round trip that the link measures. Pure but for `NetworkWatch`, which listens.
 */

/** `navigator.connection`, as far as it is used; any part may be missing. */
export interface Connection {
  readonly effectiveType?: string
  /** The person asked for less traffic. */
  readonly saveData?: boolean
  /** Milliseconds, estimated over all servers. */
  readonly rtt?: number
  /** Mbit/s, estimated. */
  readonly downlink?: number
  addEventListener?(type: 'change', listener: () => void): void
  removeEventListener?(type: 'change', listener: () => void): void
}

export interface Network {
  readonly slow: boolean
  /** Bytes cost money. */
  readonly metered: boolean
}

/** How to send on such a network. */
export interface Pace {
  /** Milliseconds to gather edits before the next send; 0 on a good network. */
  readonly gatherMs: number
  /** Whether to load what nobody has asked for yet. */
  readonly prefetch: boolean
}

export const goodNetwork: Network = { slow: false, metered: false }

/** Round trips in milliseconds; two bounds, so that one between them does not flip the answer to and fro. */
const SLOW_MS = 1000
const FAST_MS = 600
/** Mbit/s. */
const NARROW = 0.1
const GATHER_MIN_MS = 500
const GATHER_MAX_MS = 2000

/** `roundTrip`: measured on our own line, so it is believed before the platform's. */
export function networkOf(hints: Connection, roundTrip: number | null, before: Network): Network {
  const { effectiveType = '', downlink = Number.POSITIVE_INFINITY, saveData = false } = hints
  const late = (roundTrip ?? hints.rtt ?? 0) >= (before.slow ? FAST_MS : SLOW_MS)
  return { slow: late || downlink < NARROW || effectiveType.endsWith('2g'), metered: saveData }
}

/** A slow network is given about one frame a round trip. */
export function paceOf({ slow, metered }: Network, roundTrip: number | null): Pace {
  const gatherMs = slow ? Math.min(GATHER_MAX_MS, Math.max(GATHER_MIN_MS, roundTrip ?? 0)) : 0
  return { gatherMs, prefetch: !slow && !metered }
}

/** Follows the network until `stop`. */
export class NetworkWatch {
  network: Network
  #roundTrip: number | null = null
  readonly #hints: Connection
  readonly #changed: (network: Network) => void
  readonly #look = () => {
    const before = this.network
    this.network = networkOf(this.#hints, this.#roundTrip, before)
    if (this.network.slow !== before.slow || this.network.metered !== before.metered)
      this.#changed(this.network)
  }

  constructor(hints: Connection, changed: (network: Network) => void) {
    this.#hints = hints
    this.#changed = changed
    this.network = networkOf(hints, null, goodNetwork)
    hints.addEventListener?.('change', this.#look)
  }

  get pace(): Pace {
    return paceOf(this.network, this.#roundTrip ?? this.#hints.rtt ?? null)
  }

  measured(roundTrip: number): void {
    this.#roundTrip = roundTrip
    this.#look()
  }

  stop(): void {
    this.#hints.removeEventListener?.('change', this.#look)
  }
}

/** The platform's hints; none where it has none. In a worker as well as in a page. */
export const platformConnection = (): Connection =>
  (globalThis.navigator as { connection?: Connection } | undefined)?.connection ?? {}
