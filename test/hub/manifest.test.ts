import assert from 'node:assert/strict'
import { Manifest } from '../../client/hub/manifest.ts'
import { Random } from '../random.ts'
import { VirtualClock } from '../sim/clock.ts'

function scene(device = 'one') {
  const clock = new VirtualClock()
  const told: (number | undefined)[] = []
  const lost: number[] = []
  const manifest = new Manifest({
    clock: clock.of(new Random(1), () => true),
    log: 'log',
    device,
    send: frame => {
      assert.ok(frame.a === 'h.device')
      told.push(frame.edits)
    },
    lost: ({ edits }) => lost.push(edits),
  })
  const answer = (edits: number, before: number | null = null) =>
    manifest.heard({ a: 'h.device', edits, lost: before === null ? null : { edits: before, at: 1 } })
  return { clock, told, lost, manifest, answer }
}

describe('manifest', () => {
  it('[Q13] asks first, then tells what stays, once', () => {
    const { clock, told, manifest, answer } = scene()
    manifest.counted(2)
    manifest.up()
    assert.deepEqual(told, [undefined])
    answer(0)
    while (clock.step());
    assert.deepEqual(told, [undefined, 2])
    manifest.counted(0)
    while (clock.step());
    assert.deepEqual(told, [undefined, 2, 0])
  })

  it('[Q13] tells nothing of edits that come and go', () => {
    const { clock, told, manifest, answer } = scene()
    manifest.up()
    answer(0)
    for (let i = 0; i < 50; i++) {
      manifest.counted(3)
      if (i % 10 === 5) clock.step()
      manifest.counted(0)
    }
    while (clock.step());
    assert.deepEqual(told, [undefined])
  })

  it('[Q13] of what comes and goes beside held edits only those are told', () => {
    const { clock, told, manifest, answer } = scene()
    manifest.up()
    answer(0)
    manifest.counted(4)
    clock.step()
    for (const edits of [7, 4, 9]) manifest.counted(edits)
    clock.step()
    manifest.counted(4)
    while (clock.step());
    assert.deepEqual(told, [undefined, 4])
  })

  it('[Q13] hears what is lost, and says at once that it knows; tells nothing while the server is away', () => {
    const { clock, told, lost, manifest, answer } = scene()
    manifest.up()
    answer(0, 3)
    assert.deepEqual([lost, told], [[3], [undefined, 0]])
    manifest.counted(1)
    manifest.down()
    while (clock.step());
    assert.deepEqual(told, [undefined, 0])
    manifest.up()
    answer(0)
    while (clock.step());
    assert.deepEqual(told, [undefined, 0, undefined, 1])
  })

  it('[Q13] a device without a log is nobody', () => {
    const { told, manifest } = scene('')
    manifest.up()
    assert.deepEqual(told, [])
  })
})
