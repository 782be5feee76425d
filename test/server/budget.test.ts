import assert from 'node:assert/strict'
import { budgets, checkWeights, weightLine } from '../../server/budget.ts'
import { weighed } from '../../server/bundle.ts'

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
    assert.ok(all!.packed - core!.packed > 10_000, `${weightLine(core!)}\n${weightLine(all!)}`)
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
})
