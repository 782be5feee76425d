/**
 * Makes what browsers load: the page, the embeddable element and the service worker, in `dist/web`.
 *
 *   index.html            the shell of every page
 *   assets/NAME-HASH.*    what the shell loads; a name never changes its content
 *   assets/hub-HASH.js    the hub, for a worker that all tabs share
 *   embed.js              <holdfast-editor> in one classic script, style included
 *   sw.js                 the service worker, with the list of the shell's files in it
 *
 * A build is made beside the old one and put in its place when it is whole, so a server that is running never
 * serves half of one.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile, type Plugin, transform } from 'esbuild'
import { minify } from 'terser'
import { type ErrorEntry, errors } from '../ops/errors.ts'
import { type Budget, budgets, checkWeights, sizeLine, type Weight, weigh, weightLine } from './budget.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const web = join(root, 'dist', 'web')
const sources = ['types', 'ops', 'client', 'server/bundle.ts', 'package-lock.json']

/** What every browser of the last three years runs; newer syntax is lowered. */
const target = ['chrome111', 'firefox114', 'safari16.4']

/** `import css from './a.css'` gives the text; Quill's own styles are kept from the rest of the page that embeds us. */
const cssAsText: Plugin = {
  name: 'css-as-text',
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async args => {
      const css = await readFile(args.path, 'utf8')
      const scoped = args.path.includes('node_modules') ? `holdfast-editor{${css}}` : css
      const { code } = await transform(scoped, { loader: 'css', minify: true, target })
      return { contents: code, loader: 'text' }
    })
  },
}

/**
 * ot-json1 brings ot-text-unicode along as its text in strings, and `types/json.ts` puts the type `text` in its place under
 * the same names: nothing of the library is ever called in a browser, so it is left out (2 kB gzipped).
 */
const withoutSecondText: Plugin = {
  name: 'without-second-text',
  setup(builder) {
    builder.onResolve({ filter: /^ot-text-unicode$/ }, () => ({ path: 'none', namespace: 'without' }))
    builder.onLoad({ filter: /./, namespace: 'without' }, () => ({ contents: 'export const type = {}' }))
  },
}

/**
 * The table of errors as a client needs it: without what it never meets, and with the words of those codes alone that it says by itself or
 * learns from the end of a connection (2 kB gzipped). Whatever else it is told of comes with its words.
 */
export const withoutOthersWords: Plugin = {
  name: 'without-others-words',
  setup(builder) {
    builder.onLoad({ filter: /[\\/]ops[\\/]errors\.ts$/ }, async ({ path }) => {
      const [head, table, tail] = (await readFile(path, 'utf8')).split(
        /^(?:export const errors = |\} as const )/m,
      )
      if (!table || !tail) throw new Error(`${path} has no table of errors`)
      return {
        contents: `${head}export const errors = ${JSON.stringify(clientErrors())} as const ${tail}`,
        loader: 'ts',
      }
    })
  },
}

const clientErrors = () =>
  Object.fromEntries(
    Object.entries<ErrorEntry>(errors)
      .filter(([, { apart }]) => !apart)
      .map(([code, { fate, close, own, meaning }]) => [
        code,
        { fate, close, meaning: own || close ? meaning : undefined },
      ]),
  )

/** What esbuild made, once more by terser, which gives frequent names again where it can: 2.1 kB of 60 less, gzipped. */
const renamed: Plugin = {
  name: 'renamed',
  setup(builder) {
    const module = builder.initialOptions.format === 'esm'
    builder.onEnd(async ({ outputFiles = [] }) => {
      for (const file of outputFiles.filter(({ path }) => path.endsWith('.js'))) {
        const map = outputFiles.find(({ path }) => path === `${file.path}.map`)
        const sourceMap = map && { content: map.text, url: basename(map.path) }
        const result = await minify(file.text, { module, sourceMap, format: { ecma: 2020 } })
        file.contents = Buffer.from(result.code!)
        if (map) map.contents = Buffer.from(String(result.map))
      }
    })
  },
}

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  sourcemap: 'linked',
  legalComments: 'none',
  target,
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [withoutSecondText, withoutOthersWords, renamed],
  write: false,
}

/** Builds `dist/web` if it is missing or older than its sources; resolves to its path. Throws what esbuild throws. */
export async function ensureBundle(): Promise<string> {
  const built = existsSync(join(web, 'sw.js')) ? (await stat(join(web, 'sw.js'))).mtimeMs : 0
  if ((await newest(sources.map(source => join(root, source)))) >= built) await makeBundle()
  return web
}

async function newest(paths: readonly string[]): Promise<number> {
  const times = await Promise.all(
    paths.map(async path => {
      const found = await stat(path)
      if (!found.isDirectory()) return found.mtimeMs
      return newest((await readdir(path)).map(name => join(path, name)))
    }),
  )
  return Math.max(0, ...times)
}

/** Builds `dist/web` anew. */
export async function makeBundle(): Promise<void> {
  await mkdir(dirname(web), { recursive: true })
  const fresh = await mkdtemp(join(dirname(web), '.web-'))
  await chmod(fresh, 0o755)
  const assets = await buildAssets(fresh)
  await writeFile(join(fresh, 'index.html'), await shell(assets))
  await emit({
    entryPoints: [join(root, 'client/widget/embed.ts')],
    outfile: join(fresh, 'embed.js'),
    format: 'iife',
    plugins: [...common.plugins!, cssAsText],
    define: { ...common.define, HUB_SCRIPT: JSON.stringify(assets.hub) },
  })
  await buildWorker(fresh, assets)
  await replace(fresh)
}

/** Builds the files that `options` name, and tells what they are. */
async function emit(options: BuildOptions): Promise<Metafile> {
  const { outputFiles, metafile } = await build({ ...common, ...options, metafile: true })
  for (const { path, contents } of outputFiles!) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, contents)
  }
  return metafile!
}

interface Assets {
  readonly hub: string
  /** What `script` loads where it needs it. */
  readonly chunks: readonly string[]
  readonly script: string
  readonly style: string
}

async function buildAssets(out: string): Promise<Assets> {
  const shared = { outdir: join(out, 'assets'), entryNames: '[name]-[hash]' }
  /** The file that `path` became, first, and the chunks that it is split into. */
  const assets = async (path: string, options: BuildOptions) => {
    const { outputs } = await emit({ ...shared, ...options, entryPoints: [join(root, path)] })
    const files = Object.entries(outputs).filter(([name]) => !name.endsWith('.map'))
    files.sort(([, a], [, b]) => Number(b.entryPoint === path) - Number(a.entryPoint === path))
    const [entry, ...chunks] = files.map(([name]) => `/${relative(out, join(root, name))}`)
    if (entry === undefined) throw new Error('esbuild wrote nothing')
    return { entry, chunks }
  }
  const { entry: hub } = await assets('client/worker/hub.ts', { format: 'iife' })
  const page = assets('client/app/page.ts', {
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    plugins: [...common.plugins!, cssAsText],
    define: { ...common.define, HUB_SCRIPT: JSON.stringify(hub) },
  })
  const style = assets('client/app/page.css', {})
  const { entry: script, chunks } = await page
  return { hub, script, chunks, style: (await style).entry }
}

async function shell({ script, style }: Assets): Promise<string> {
  const html = await readFile(join(root, 'client/app/index.html'), 'utf8')
  return html.replace('/page.css', style).replace('/page.js', script)
}

/** A URL of the shell with a revision; none for one whose name changes with its content (workbox's manifest). */
interface ShellFile {
  readonly url: string
  readonly revision: string | null
}

async function buildWorker(out: string, { hub, script, chunks, style }: Assets): Promise<void> {
  const html = await readFile(join(out, 'index.html'))
  const revision = createHash('sha256').update(html).digest('hex').slice(0, 16)
  const files: ShellFile[] = [
    { url: '/index.html', revision },
    ...[script, hub, style, ...chunks].map(url => ({ url, revision: null })),
  ]
  await emit({
    entryPoints: [join(root, 'client/worker/sw.ts')],
    outfile: join(out, 'sw.js'),
    format: 'iife',
    define: {
      ...common.define,
      SHELL_FILES: JSON.stringify(files),
      SHELL_REVISION: JSON.stringify(revision),
    },
  })
}

/** Of two processes that build at once, the later one wins; both are whole. */
async function replace(fresh: string): Promise<void> {
  const old = `${fresh}-old`
  if (existsSync(web)) await rename(web, old).catch(() => {})
  await rename(fresh, web).catch(() => rm(fresh, { recursive: true, force: true }))
  await rm(old, { recursive: true, force: true })
}

async function printSizes(): Promise<void> {
  for (const name of (await readdir(web, { recursive: true })).sort()) {
    if (!/\.(js|css|html)$/.test(name)) continue
    const bytes = await readFile(join(web, name))
    console.log(sizeLine(name, bytes.length, gzipSync(bytes).length))
  }
}

/** What `budget` is about, as an app would get it. */
export const weighed = (budget: Budget): Promise<Weight> => weigh(budget, common)

if (import.meta.main) {
  await makeBundle()
  await printSizes()
  const weights = await Promise.all(budgets.map(weighed))
  for (const weight of weights) console.log(weightLine(weight))
  try {
    checkWeights(weights)
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
