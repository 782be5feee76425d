import assert from 'node:assert/strict'
import { Line, Time, turn } from './line.ts'

/** A line whose endpoint refused it so often that the circuit is open. */
async function broken(line = new Line()): Promise<Line> {
  for (let failures = 1; failures < 5; failures++) await line.cut().redialed()
  line.cut()
  await turn()
  return line
}

describe('link: the circuit of an endpoint', () => {
  it('[K19] after five failures in a row it is only probed, at long intervals', async () => {
    const line = await broken()
    let before = line.time.clock.now()
    for (let probe = 1; probe <= 20; probe++) {
      assert.ok(line.wait.ms >= 15_000 && line.wait.ms < 30_000, String(line.wait.ms))
      await line.redialed()
      const interval = line.last.at - before
      assert.ok(interval >= 15_000 && interval < 30_000, String(interval))
      before = line.last.at
      line.cut()
      await turn()
    }
  })

  it('[K19] it counts the failures of all links to the endpoint, and one of them probes for all', async () => {
    const time = new Time()
    const lines = Array.from({ length: 5 }, () => new Line({}, time))
    for (const line of lines) line.cut()
    await turn()
    assert.ok(lines.every(line => line.wait.ms >= 15_000))
    await time.live(30_000)
    const dials = () => lines.reduce((sum, line) => sum + line.sockets.length, 0)
    assert.equal(dials(), 6)
    await time.live(9_000)
    assert.equal(dials(), 6)
    assert.equal(lines.filter(line => line.phase === 'dialing').length, 1)
  })

  it('[K19] another endpoint, and another process, has a circuit of its own', async () => {
    const line = await broken()
    for (const other of [new Line({ url: 'ws://y' }, line.time), new Line()]) {
      assert.equal(other.cut().wait.tries, 1)
      assert.ok(other.wait.ms < 500)
      await turn()
      assert.ok(other.wait.ms < 500)
    }
  })

  it('[K19] an answer in between starts the count anew', async () => {
    const line = new Line()
    for (let failures = 1; failures <= 12; failures++) {
      if (failures % 4 === 0) line.up()
      await line.cut().redialed()
    }
    assert.equal(line.up().phase, 'up')
    assert.ok(line.time.clock.now() < 12 * 4000)
  })

  it('[K20] a probe that is answered lets the others dial as well, spread', async () => {
    const time = new Time()
    const lines = Array.from({ length: 5 }, () => new Line({}, time))
    for (const line of lines) line.cut()
    await time.live(30_000)
    lines.find(line => line.phase === 'dialing')!.up()
    await turn()
    const waits = lines.filter(line => line.phase === 'waiting').map(line => line.wait.ms)
    assert.equal(waits.length, 4)
    assert.ok(waits.every(ms => ms < 2000))
    assert.equal(new Set(waits).size, 4)
    await time.live(2000)
    assert.ok(lines.every(line => line.phase === 'up' || line.phase === 'dialing'))
  })

  it('[K20] but not one that the server told to stay away', async () => {
    const time = new Time()
    const away = new Line({}, time).up().cut(4429)
    const { ms } = away.wait
    const line = await broken(new Line({}, time))
    line.link.retry()
    line.up()
    await turn()
    assert.ok(away.wait.ms >= ms - time.clock.now())
  })

  it('[K20] a link whose token comes while another one probes waits for the verdict', async () => {
    const line = await broken()
    const given = Promise.withResolvers<string>()
    const other = new Line({ token: () => given.promise }, line.time)
    assert.equal(other.phase, 'dialing')
    line.link.retry()
    given.resolve('t')
    await turn()
    assert.equal(other.phase, 'waiting')
    assert.equal(other.sockets.length, 0)
    line.up()
    await other.redialed()
    assert.equal(other.up().phase, 'up')
  })

  it('[K20] who asks need not wait for the time: retry, wake and a new link probe at once', async () => {
    const line = await broken()
    line.link.retry()
    assert.equal(line.phase, 'dialing')
    line.cut()
    await turn()
    assert.ok(line.wait.ms >= 15_000)
    line.link.wake()
    assert.equal(line.phase, 'dialing')
    line.cut()
    await turn()
    assert.equal(new Line({}, line.time).phase, 'dialing')
  })

  it('[K20] who asks while a probe is under way dials anew with it, or after its verdict', async () => {
    const line = await broken()
    await line.redialed()
    line.link.retry()
    assert.equal(line.phase, 'dialing')
    const other = new Line({}, line.time)
    assert.equal(other.phase, 'waiting')
    line.cut()
    await turn()
    assert.equal(other.phase, 'dialing')
  })

  it('[K21] a server that answers is none that fails, whatever it says', async () => {
    const line = new Line()
    for (let refusals = 1; refusals <= 8; refusals++) {
      line.last.events.open()
      line.refuse('SERVER_DRAINING')
      await turn()
      assert.ok(line.wait.ms < 500 * 2 ** (refusals - 1))
      await line.redialed()
    }
  })

  it('[K21] a probe that is given up has failed; the next one is made by another link', async () => {
    const line = await broken()
    await line.redialed()
    const other = new Line({}, line.time)
    line.link.close()
    await turn()
    assert.equal(other.phase, 'dialing')
    assert.equal(other.up().phase, 'up')
  })
})
