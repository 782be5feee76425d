/** The channel on which a hub hears of a page that its clock has jumped. */
export const CLOCKS = 'chaos:clocks'

/** From here on `Date` is off by `ms`, in whatever page or worker this runs. */
export function skewClock(ms: number): void {
  if (ms === 0) return
  const RealDate = Date
  globalThis.Date = class extends RealDate {
    constructor(...args: []) {
      super(...((args.length === 0 ? [RealDate.now() + ms] : args) as [number]))
    }
    static override now(): number {
      return RealDate.now() + ms
    }
  } as DateConstructor
}
