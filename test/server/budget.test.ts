import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { build } from 'esbuild'
import { type ErrorCode, type ErrorEntry, errors } from '../../ops/errors.ts'
import { budgets, checkWeights, weightLine } from '../../server/budget.ts'
import { weighed, withoutOthersWords } from '../../server/bundle.ts'

describe('what the client weighs', function () {
  this.timeout(60_000)

  for (const budget of budgets) {
    it(`[W19] ${budget.what}: within its limit`, async () => {
      const weight = await weighed(budget)
      checkWeights([weight])
      assert.ok(weight.packed > 10_000 && weight.packed < weight.raw, weightLine(weight))
    })
  }

  it("[W19] the types' libraries are what makes the difference", async () => {
    const [page, , everything] = budgets
    const [core, all] = await Promise.all(
      [{ ...everything!, external: page!.external }, everything!].map(weighed),
    )
    assert.ok(all!.packed - core!.packed > 8_000, `${weightLine(core!)}\n${weightLine(all!)}`)
  })

  it('[W20] what is over its limit is refused, by how much', async () => {
    const [within, over] = await Promise.all(
      [...budgets.slice(0, 1), { ...budgets[0]!, limit: 10_000 }].map(weighed),
    )
    assert.throws(
      () => checkWeights([within!, over!]),
      ({ message }: Error) => {
        assert.match(
          message,
          new RegExp(`has ${over!.packed} bytes gzipped, ${over!.packed - 10_000} over its limit of 10000`),
        )
        assert.equal(message.split('\n').length, 2)
        return true
      },
    )
  })

  it('[W80] every code that a client meets is in it, and the words of those that a client says by itself', async () => {
    const { outputFiles } = await build({
      entryPoints: ['ops/errors.ts'],
      bundle: true,
      write: false,
      format: 'esm',
      plugins: [withoutOthersWords],
    })
    const source = Buffer.from(outputFiles[0]!.contents).toString('base64')
    const bundled: typeof errors = (await import(`data:text/javascript;base64,${source}`)).errors
    for (const [code, { fate, close, own, apart, meaning }] of Object.entries<ErrorEntry>(errors)) {
      const words = own || close ? { meaning } : {}
      const known = apart ? undefined : { fate, ...(close && { close }), ...words }
      assert.deepEqual(bundled[code as ErrorCode], known, code)
    }
    assert.deepEqual(
      [...saidByClient()].filter(code => !bundled[code]?.meaning),
      [],
    )
  })
})

/** The codes that the client's source says in the words of the table. */
function* saidByClient(): Iterable<ErrorCode> {
  const found = /\berrors\.(\w+)\.meaning|\bHoldfastError\('(\w+)'\)/g
  for (const file of globSync('client/**/*.ts'))
    for (const [, a, b] of readFileSync(file, 'utf8').matchAll(found)) yield (a ?? b) as ErrorCode
}
