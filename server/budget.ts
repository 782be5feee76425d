/**
 * What the client may weigh in an app that bundles it: minified and gzipped, with a limit that fails the build. What
 * is over a limit is made smaller, or the limit is raised on purpose, here and in the README.
 */

import { gzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'

export interface Budget {
  readonly what: string
  readonly entry: string
  /** Packages that are not counted: what an app may have of its own, or leaves out with a type. */
  readonly external: readonly string[]
  /** Most bytes, gzipped. */
  readonly limit: number
}

/** The libraries of the types, and what belongs to them. */
const typeLibraries = ['ot-text-unicode', 'unicount', 'ot-json1', 'quill-delta', 'rich-text', 'fast-diff']

export const budgets: readonly Budget[] = [
  {
    what: "client without the types' libraries",
    entry: 'client/index.ts',
    external: typeLibraries,
    limit: 25_000,
  },
  { what: 'client with all three types', entry: 'client/index.ts', external: [], limit: 60_000 },
]

export interface Weight {
  readonly what: string
  /** Bytes, minified. */
  readonly raw: number
  /** Bytes, gzipped. */
  readonly packed: number
  readonly limit: number
}

/** Bundles by `options`, to nowhere. */
export async function weigh(
  { what, entry, external, limit }: Budget,
  options: BuildOptions,
): Promise<Weight> {
  const built = await build({
    ...options,
    entryPoints: [entry],
    external: [...external],
    format: 'esm',
    sourcemap: false,
    write: false,
  })
  const bytes = built.outputFiles![0]!.contents
  return { what, raw: bytes.length, packed: gzipSync(bytes).length, limit }
}

export const weightLine = ({ what, raw, packed, limit }: Weight): string =>
  `${sizeLine(what, raw, packed)}, at most ${kB(limit)}`

/** Throws, in words for who builds, if something is over its limit. */
export function checkWeights(weights: readonly Weight[]): void {
  const over = weights.filter(({ packed, limit }) => packed > limit)
  if (over.length === 0) return
  const words = over.map(
    ({ what, packed, limit }) =>
      `The ${what} has ${packed} bytes gzipped, ${packed - limit} over its limit of ${limit}.`,
  )
  throw new Error(`${words.join('\n')}\nMake it smaller, or raise the limit in server/budget.ts.`)
}

/** A name with its bytes as they are and gzipped, in a column each. */
export const sizeLine = (name: string, raw: number, packed: number): string =>
  `${name.padEnd(36)} ${kB(raw).padStart(10)} ${kB(packed).padStart(10)} gzip`

/** Thousands of bytes, as networks count. */
const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`
