/**
 * How long a reply takes on this line: the estimator of RFC 6298 ("Computing TCP's Retransmission Timer"), sections
 * 2.2, 2.3 and 5.5, over pairs of request and reply. Pure.
 */

/** Milliseconds: the smoothed round trip and its mean deviation. */
export interface RoundTrip {
  readonly srtt: number
  readonly rttvar: number
}

/** Takes in a measured round trip. */
export function sampled(before: RoundTrip | null, ms: number): RoundTrip {
  if (!before) return { srtt: ms, rttvar: ms / 2 }
  const { srtt, rttvar } = before
  return { srtt: (srtt * 7 + ms) / 8, rttvar: (rttvar * 3 + Math.abs(srtt - ms)) / 4 }
}

/**
 * After how many milliseconds a reply is late. The RFC's clock granularity is here the time that the server may take: what is
 * too fine to be told apart.
 */
export const lateAfter = ({ srtt, rttvar }: RoundTrip, granularityMs: number): number =>
  srtt + Math.max(granularityMs, 4 * rttvar)
