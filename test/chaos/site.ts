/** What the pages of the chaos tests load, from a server of its own, which stays when the Holdfast server goes. */

import { fileURLToPath } from 'node:url'
import { bundle, type Pages, servePages } from '../browser/harness/pages.ts'

const script = (name: string) => bundle(fileURLToPath(new URL(name, import.meta.url)))

export async function openSite(): Promise<Pages> {
  const [page, hub] = await Promise.all([script('page.ts'), script('hub.ts')])
  return servePages({
    '/': '<!doctype html><title>Chaos</title><link rel="icon" href="data:,"><script src="/page.js"></script>',
    '/elsewhere': '<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">',
    '/page.js': page,
    '/hub.js': hub,
  })
}
