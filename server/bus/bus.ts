/**
 * How servers on one database tell each other what happened: short texts on named channels, heard at most once.
 *
 * Laws, for every bus and checked by one suite (test/bus/contract.ts):
 *   - A text that one publishes is heard by all who follow the channel, itself perhaps included, or by some, or by nobody;
 *     never twice by one of them, and those of one publisher on one channel in their order.
 *   - When texts may have been missed and no longer are, `restored` says so: whoever listens then looks for himself.
 *   - Nothing throws but `publish`, which rejects; a bus that is down keeps trying, and waits for nobody.
 */

export interface BusEvents {
  heard(channel: string, text: string): void
  /** What is followed is heard again; what was said before may have been missed. */
  restored(): void
}

export interface Bus {
  /** Whether what is published is likely to be heard. */
  readonly up: boolean
  /** How long the last round trip took (ms); null before the first and where there is none. */
  readonly lagMs: number | null
  /** To be called once, before anything else. */
  open(events: BusEvents): void
  /** Resolves when it is on its way; rejects when nobody may have heard it. */
  publish(channel: string, text: string): Promise<void>
  /** Resolves when the channel is heard, and at once where the bus is down: it is then before `restored`. */
  follow(channel: string): Promise<void>
  unfollow(channel: string): void
  /** Lets go of everything; what is on its way may be lost. */
  close(): Promise<void>
}
