/** Connects, sends so many bytes, and waits for so many. */

import { Line, type Traffic } from '../line.ts'
import { answer } from '../process.ts'

export type FloorClientCalls = { trip(argument: { url: string; traffic: Traffic }): Promise<number> }

answer<FloorClientCalls>({
  async trip({ url, traffic }) {
    const message = `${traffic.in} `.padEnd(traffic.out, 'x')
    const start = performance.now()
    const socket = new Line().open(url)
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => socket.send(message)
      socket.onmessage = () => resolve()
      socket.onerror = () => reject(new Error('no connection to the floor'))
    })
    const ms = performance.now() - start
    socket.close()
    return ms
  },
})
