import assert from 'node:assert/strict'
import { faults, type Scenario, scenarios } from './scenarios/index.ts'

describe('the scenarios of the chaos tests', () => {
  it('[J10] do each of the faults that may befall a client', () => {
    const done = new Set(Object.values(scenarios).flatMap((scenario: Scenario) => scenario.faults))
    assert.deepEqual([...done].sort(), Object.keys(faults).sort())
  })
})
