/**
 * What the client may weigh in an app that bundles it: minified and gzipped, with a limit that fails the build. What
 * is over a limit is made smaller, or the limit is raised on purpose, here and in the README.
 */

import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile } from 'esbuild'

export interface Budget {
  readonly what: string
  /** A module of the client's, as an app would write it. */
  readonly source: string
  /** With the hub, as in a page that has no worker for it; what a rescue or a log in memory needs is loaded apart. */
  readonly whole?: true
  /** Packages that are not counted: what an app may have of its own, or leaves out with a type. */
  readonly external: readonly string[]
  /** Most bytes, gzipped. */
  readonly limit: number
}

/** The libraries of the types, and what belongs to them. */
const typeLibraries = ['ot-text-unicode', 'unicount', 'ot-json1', 'quill-delta', 'rich-text']

/** `connect` alone: what else `client/index.ts` exports, an app that does not use it does not get. */
const app = "export { connect } from './client/client.ts'"
const hub = "import './client/worker/hub.ts'"
const hubEntry = 'client/hub/setup.ts'

export const budgets: readonly Budget[] = [
  { what: "page without the types' libraries", source: app, external: typeLibraries, limit: 25_000 },
  { what: "hub without the types' libraries", source: hub, external: typeLibraries, limit: 40_000 },
  { what: 'page and hub in one, all three types', source: app, whole: true, external: [], limit: 60_000 },
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
  { what, source, whole, external, limit }: Budget,
  options: BuildOptions,
): Promise<Weight> {
  const { outputFiles, metafile } = await build({
    ...options,
    stdin: { contents: source, resolveDir: options.absWorkingDir!, loader: 'ts' },
    outdir: 'out',
    external: [...external],
    format: 'esm',
    splitting: true,
    sourcemap: false,
    metafile: true,
  })
  const loaded = loadedAtOnce(metafile!, ['<stdin>', ...(whole ? [hubEntry] : [])])
  const chunks = outputFiles!.filter(({ path }) => loaded.some(name => path.endsWith(name)))
  const bytes = Buffer.concat(chunks.map(({ contents }) => contents))
  return { what, raw: bytes.length, packed: gzipSync(bytes).length, limit }
}

/** The entries, and what they import but by `import()`. */
function loadedAtOnce({ outputs }: Metafile, entries: readonly string[]): string[] {
  const found = Object.keys(outputs).filter(name => entries.includes(outputs[name]!.entryPoint ?? ''))
  for (const name of found) {
    for (const { path, kind, external } of outputs[name]!.imports)
      if (kind === 'import-statement' && !external && !found.includes(path)) found.push(path)
  }
  return found
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
