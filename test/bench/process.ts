/**
 * The processes of a benchmark: each side of the wire runs in one of its own, and answers calls of the bench over the
 * channel that Node gives a child.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a process can be asked: each name with its argument and its answer, plain data. */
export type Calls = Record<string, (argument: never) => unknown>

type Argument<Call> = Call extends (argument: infer A) => unknown ? A : never
type Answer<Call> = Call extends (argument: never) => infer R ? Awaited<R> : never

interface Question {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

type Reply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string })

/** A call took longer than it was given; its process is stopped. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong'
}

/** The bench's end of a process. */
export class Peer<C extends Calls> {
  readonly child: ChildProcess
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #asked = 0

  /** `file` is a module that calls `answer`; `node` are arguments for Node itself. */
  constructor(file: URL, node: readonly string[] = []) {
    this.child = fork(fileURLToPath(file), { execArgv: [...node], serialization: 'advanced' })
    this.child.on('message', message => this.#settle(message as Reply))
    this.child.on('exit', code => {
      for (const id of [...this.#waiting.keys()])
        this.#settle({ id, error: `${file.pathname} ended with ${code}` })
    })
  }

  /** Rejects with what the call threw; with `TookTooLong` after `limitMs`, when the process is killed. */
  async ask<K extends keyof C & string>(
    name: K,
    argument: Argument<C[K]>,
    limitMs = 600_000,
  ): Promise<Answer<C[K]>> {
    const id = ++this.#asked
    const answered = new Promise<Reply>(resolve => this.#waiting.set(id, resolve))
    this.child.send({ id, name, argument } satisfies Question, error => {
      if (error) this.#settle({ id, error: `the process has ended (${error.message})` })
    })
    let late = false
    const timer = setTimeout(() => {
      late = true
      this.child.kill('SIGKILL')
    }, limitMs)
    const reply = await answered
    clearTimeout(timer)
    if (late) throw new TookTooLong(`${name} took over ${limitMs} ms`)
    if ('error' in reply) throw new Error(`${name}: ${reply.error}`)
    return reply.value as Answer<C[K]>
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await gone
  }

  #settle(reply: Reply): void {
    this.#waiting.get(reply.id)?.(reply)
    this.#waiting.delete(reply.id)
  }
}

/** The other end: answers every question by calling the function of its name. */
export function answer<C extends Calls>(calls: C): void {
  process.on('message', async message => {
    const { id, name, argument } = message as Question
    try {
      const value = await calls[name]!(argument as never)
      process.send!({ id, value } satisfies Reply)
    } catch (error) {
      process.send!({
        id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      } satisfies Reply)
    }
  })
  process.on('disconnect', () => process.exit(0))
}
