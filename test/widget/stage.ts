/** One Chromium with one page that holds the scene; for the tests of the bindings. */

import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { type Chromium, launchChromium } from '../browser/harness/chromium.ts'

export interface Stage {
  readonly chromium: Chromium
  readonly page: Page
  close(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const [script, chromium] = await Promise.all([bundleOf('scene.ts'), launchChromium()])
  const page = await chromium.page()
  await page.addScriptTag({ content: script })
  return { chromium, page, close: () => chromium.close() }
}

async function bundleOf(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [resolve(import.meta.dirname, name)],
    bundle: true,
    write: false,
    format: 'iife',
    logLevel: 'error',
  })
  return outputFiles[0]!.text
}
