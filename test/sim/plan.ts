/** What a seed's world is made of, and which faults are in it: few kinds at once, so that a failure has few causes. */

import type { Random } from '../random.ts'

const damages = ['cut', 'spoil', 'evict', 'fill', 'clone'] as const

export type Damage = (typeof damages)[number]

export interface Plan {
  readonly docs: readonly string[]
  readonly devices: readonly {
    readonly docs: readonly string[]
    readonly tabs: number
    readonly agrees: boolean
  }[]
  readonly steps: number
  readonly deletes: boolean
  readonly trims: boolean
  readonly freezes: boolean
  readonly damage: Damage | null
  readonly restores: boolean
  /** `hold`, `retry`: the server refuses a device's edits for a time. `large`: documents may not grow far. */
  readonly refusal: 'hold' | 'retry' | 'large' | null
  readonly undo: boolean
  /** People try held edits again or discard them, link documents to each other, and carry rescue files to other devices. */
  readonly people: boolean
}

export function planOf(random: Random, people = false): Plan {
  const docs = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, i) => `doc${i}`)
  const count = random.pick([1, 2, 2, 2, 2, 3, 3, 3, 4, 5])
  const most = random.pick([1, 2, 2, 3])
  const freezes = random.chance(0.4)
  const restores = random.chance(0.08)
  const damage = random.chance(0.4) ? random.pick(damages) : null
  return {
    docs,
    devices: Array.from({ length: count }, (_, i) => ({
      // Not every device has every document.
      docs: i === 0 ? docs : docs.filter((_, at) => at === 0 || random.chance(0.6)),
      tabs: 1 + random.int(most),
      agrees: random.chance(0.9),
    })),
    steps: 25 + random.int(50),
    deletes: random.chance(0.15),
    trims: random.chance(0.4),
    freezes,
    damage,
    restores,
    refusal: random.chance(0.3) ? random.pick(['hold', 'hold', 'retry', 'large'] as const) : null,
    undo: random.chance(0.5),
    people,
  }
}
