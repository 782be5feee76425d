/** The pages of all systems, in one build and served from one origin: `/NAME` is the page of the system NAME. */

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Pages, servePages } from '../../browser/harness/pages.ts'
import { PACKAGES } from '../peers/packages.ts'

const path = (name: string) => fileURLToPath(new URL(`./${name}`, import.meta.url))
const installed = join(PACKAGES, 'node_modules')

/** Serves a page for each of `systems`, the script of each being the file of its name here; and Holdfast's hub. */
export async function serveDevicePages(systems: readonly string[]): Promise<Pages> {
  const { outputFiles } = await build({
    entryPoints: [
      ...systems.map(name => ({ in: path(`${name}.ts`), out: name })),
      { in: path('../../../client/worker/hub.ts'), out: 'hub' },
    ],
    outdir: '/',
    bundle: true,
    format: 'iife',
    write: false,
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
    inject: [path('metered.ts')],
    // @sharesync/sharedb counts in variables that it does not declare: under `strict` it would not run.
    tsconfigRaw: { compilerOptions: { strict: false } },
    // What the project does not have is the peers'. Of Yjs there may be one only, or its documents do not know each other.
    nodePaths: [installed],
    alias: { yjs: join(installed, 'yjs') },
  })
  const html = (name: string) => `<!doctype html><meta charset="utf-8"><script src="/${name}.js"></script>`
  return servePages({
    ...Object.fromEntries(systems.map(name => [`/${name}`, html(name)])),
    ...Object.fromEntries(outputFiles.map(file => [file.path, file.text])),
  })
}
