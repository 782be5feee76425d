/** Loaded into a process before its own code: profiles it from one message of the bench to the next. */

import { Session } from 'node:inspector/promises'
import type { ProfileMessage, ProfileReply } from './profile.ts'

const session = new Session()

process.on('message', async (message: ProfileMessage | { profile?: undefined }) => {
  if (message.profile === 'start') {
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 200 })
    await session.post('Profiler.start')
    process.send!({ profile: 'started' } satisfies ProfileReply)
  }
  if (message.profile === 'stop') {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    process.send!({ profile } satisfies ProfileReply)
  }
})
