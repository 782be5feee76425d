/** Tabs and hubs that misunderstand each other, and platforms that do not keep their word to them. */

import type { FromHub, FromTab } from '../../../client/hub/messages.ts'
import type { Agreement, Channel } from '../../../client/platform.ts'
import type { Bug } from './bug.ts'
import { unfenced } from './log.ts'

type Message = FromTab | FromHub
type Lined = Channel<Message>

/** Puts something between a tab and each of its lines; the hub's end of a line is another program's. */
const onLines =
  (wrap: (line: Lined) => Lined) =>
  (agreement: Agreement): Agreement => ({
    ...agreement,
    channel<M>(name: string): Channel<M> {
      const channel = agreement.channel<M>(name)
      return name.startsWith('holdfast:line:') ? (wrap(channel as never) as never) : channel
    },
  })

const posting = (line: Lined, post: (message: Message) => void): Lined => ({
  post,
  listen: listener => line.listen(listener),
  close: () => line.close(),
})

const listening = (line: Lined, hear: (message: Message, listener: (message: Message) => void) => void) => ({
  post: (message: Message) => line.post(message),
  listen: (listener: (message: Message) => void) => line.listen(message => hear(message, listener)),
  close: () => line.close(),
})

/** An edit's `seen` does not arrive: the hub carries it over what its tab had taken already. */
export const blind: Bug = {
  agreement: onLines(line =>
    posting(line, message => line.post(message.t === 'edit' ? { ...message, seen: 0 } : message)),
  ),
}

/** A tab takes any word of the hub as one that lies on top of all its edits. */
export const presumptuous: Bug = {
  agreement: onLines(line => {
    const posted = new Map<string, number>()
    const counting = posting(line, message => {
      if (message.t === 'edit') posted.set(message.h, message.n)
      line.post(message)
    })
    return listening(counting, (message, listener) =>
      listener(
        message.t === 'change' ? { ...message, over: posted.get(message.h) ?? message.over } : message,
      ),
    )
  }),
}

/** A tab does not send again to the next hub what it sent to the one that died. */
export const forgetful: Bug = {
  agreement: agreement => {
    const posted = new Map<string, number>()
    return onLines(line => {
      const before = new Map(posted)
      return posting(line, message => {
        if (message.t !== 'edit') return line.post(message)
        if (message.n <= (before.get(message.h) ?? 0)) return
        posted.set(message.h, message.n)
        line.post(message)
      })
    })(agreement)
  },
}

/** Every fourth change arrives twice. */
export const stuttering: Bug = {
  agreement: onLines(line => {
    let changes = 0
    return listening(line, (message, listener) => {
      listener(message)
      if (message.t === 'change' && ++changes % 4 === 0) listener(message)
    })
  }),
}

/** Every third edit arrives after the message behind it. */
export const shuffling: Bug = {
  agreement: onLines(line => {
    let edits = 0
    let late: Message | null = null
    return posting(line, message => {
      if (message.t === 'edit' && late === null && ++edits % 3 === 0) {
        late = message
        return
      }
      line.post(message)
      if (late) line.post(late)
      late = null
    })
  }),
}

/** Several hold the hub's lock at once, and the log lets them. */
export const anarchic: Bug = {
  ...unfenced,
  agreement: agreement => ({
    ...agreement,
    lock: async (name, wish, held) => {
      if (name.startsWith('holdfast:hub:') && wish.mode !== 'shared') await held()
      else await agreement.lock(name, wish, held)
    },
  }),
}

/** Every hub of a device has the same name; the first bytes that a program asks for name its tab. */
export const unoriginal: Bug = {
  randomBytes: (own, device) => {
    let asked = 0
    return bytes => (++asked === 1 ? own(bytes) : bytes.set(bytes.map((_, i) => device.charCodeAt(i) || 0)))
  },
}
