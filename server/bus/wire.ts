/** What the bus needs of a library for Redis: two connections that were dialled together, one to speak and one to hear. */

export interface WireEvents {
  /** Both connections work; whatever was followed before has to be followed again. */
  ready(): void
  /** One of them was lost; the library connects again by itself. */
  lost(): void
  heard(channel: string, text: string): void
  error(error: unknown): void
}

export interface Wire {
  publish(channel: string, text: string): Promise<unknown>
  follow(channels: readonly string[]): Promise<unknown>
  unfollow(channel: string): Promise<unknown>
  /** The library's own, which speaks: for what another library asks of Redis. */
  readonly client: object
  /** At once, whatever is on its way. */
  close(): void
}

export type Dial = (events: WireEvents) => Wire

/** Pause before the attempt numbered `times` (from 0) to connect again, in ms: random, so that many do not come at once. */
export const pauseMs = (times: number): number =>
  Math.min(2000, 50 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2)

/** Says `ready` when all of `count` are, and `lost` when the first of them is no more. */
export function together(count: number, events: WireEvents): (index: number) => { up(): void; down(): void } {
  const ready = new Set<number>()
  return index => ({
    up() {
      ready.add(index)
      if (ready.size === count) events.ready()
    },
    down() {
      if (ready.delete(index)) events.lost()
    },
  })
}
