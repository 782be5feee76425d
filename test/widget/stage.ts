/** One Chromium with one page that holds the scene; for the tests of the bindings. */

import { resolve } from 'node:path'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { type Chromium, launchChromium, needsChromium } from '../browser/harness/chromium.ts'

export interface Stage {
  readonly chromium: Chromium
  readonly page: Page
}

/** In a `describe`: hands its tests a stage, which is gone after the last of them. */
export function useStage(take: (stage: Stage) => void): void {
  let chromium: Chromium | undefined
  before(async function () {
    needsChromium(this)
    const script = await bundleOf('scene.ts')
    chromium = await launchChromium()
    const page = await chromium.page()
    await page.addScriptTag({ content: script })
    take({ chromium, page })
  })
  after(() => chromium?.close())
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
