/** I10: the runs did something. A run in which nothing happened would prove nothing. */

/** How often each must have happened in a thousand seeds; each happens about three times as often. */
const floors = {
  tokens: 15_000,
  edits: 20_000,
  versions: 7_000,
  merges: 2_000,
  held: 150,
  tabs: 1_000,
  hubs: 2_000,
  messages: 300_000,
  greetings: 3_500,
  outages: 1_200,
  lost: 900,
  doubled: 2_000,
  cuts: 2_000,
  crashes: 1_000,
  closes: 500,
  freezes: 200,
  undos: 700,
  steals: 15,
  kills: 500,
  deletes: 20,
  trims: 60,
  refused: 300,
  cut: 50,
  spoil: 30,
  evict: 50,
  fill: 50,
  clone: 20,
  restores: 15,
} as const

/** The same, of seeds with people who decide, link and carry files. */
const peopleFloors = { ...floors, decisions: 20, links: 150, files: 500 } as const

/** What happened too rarely in that many seeds, in words; of a few seeds nothing can be said where a kind is rare. */
export function tooRare(counts: Readonly<Record<string, number>>, seeds: number, people = false): string[] {
  return Object.entries(people ? peopleFloors : floors).flatMap(([name, floor]) => {
    const least = Math.floor((floor * seeds) / 1000)
    const there = counts[name] ?? 0
    return there < least ? [`I10: ${name} ${there}, which should be ${least} or more`] : []
  })
}
