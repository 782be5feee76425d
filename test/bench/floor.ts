/**
 * The floor: the same bytes over a bare WebSocket, out in one message and back in one, from the beginning of the
 * connection. As under test, the client was connected once before: the first WebSocket of a Node process costs some 40 ms.
 */

import type { Traffic } from './line.ts'
import type { FloorClientCalls } from './peers/floor-client.ts'
import type { FloorServerCalls } from './peers/floor-server.ts'
import { Peer } from './process.ts'

export interface Floor {
  /** The first of such size in its processes, in ms. */
  readonly cold: readonly number[]
  readonly warm: readonly number[]
}

/** Warm trips in each session, after the cold one. */
const WARM_TRIPS = 10

export async function measureFloor(traffic: Traffic, rounds: number): Promise<Floor> {
  const cold: number[] = []
  const warm: number[] = []
  for (let round = 0; round < rounds; round++) {
    const server = new Peer<FloorServerCalls>(new URL('./peers/floor-server.ts', import.meta.url))
    const client = new Peer<FloorClientCalls>(new URL('./peers/floor-client.ts', import.meta.url))
    try {
      const url = await server.ask('listen', undefined)
      await client.ask('trip', { url, traffic: { out: 0, in: 0 } })
      cold.push(await client.ask('trip', { url, traffic }))
      for (let trip = 0; trip < WARM_TRIPS; trip++) warm.push(await client.ask('trip', { url, traffic }))
    } finally {
      await client.stop()
      await server.stop()
    }
  }
  return { cold, warm }
}
