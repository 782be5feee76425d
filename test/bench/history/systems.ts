/** The systems of the history benchmark: which module keeps them, and what is fed together. */

/** Systems that are fed at once by one process, with a directory each. */
export interface Kept {
  readonly module: URL
  readonly systems: readonly string[]
  /** They can show one version in so many. */
  readonly every: number
  /** Versions that Holdfast's composed deltas span, the smallest first; missing: its own choice. */
  readonly rungs?: readonly number[]
}

const module = (name: string) => new URL(`./${name}.ts`, import.meta.url)

/** Every system; `ladders` are Holdfasts to be measured, each with rungs of its own, instead of the one as it comes. */
export function keptBy(every: number, ladders: readonly (readonly number[])[] = []): Kept[] {
  const holdfast = { module: module('holdfast'), every: 1 }
  return [
    ...(ladders.length > 0
      ? ladders.map(rungs => ({ ...holdfast, systems: [`holdfast ${rungs}`], rungs }))
      : [{ ...holdfast, systems: ['holdfast'] }]),
    { module: module('yjs'), systems: ['yjs', 'yjs-merged'], every },
    { module: module('sharedb'), systems: ['sharedb', 'sharedb-ot-text'], every: 1 },
  ]
}

/** Those of `kept` that are named. */
export const only = (kept: readonly Kept[], names: readonly string[]): Kept[] =>
  kept
    .map(each => ({ ...each, systems: each.systems.filter(system => names.includes(system.split(' ')[0]!)) }))
    .filter(({ systems }) => systems.length > 0)
