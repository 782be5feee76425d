/**
 * The policy of an app that knows its people best: Holdfast asks an HTTP endpoint of the app, by POST and in JSON.
 *
 *   {"ask": "who", "token": T}                                   200 {"id": ID, "name"?: NAME, "expires"?: MS}
 *                                                                401 {"code"?: "TOKEN_EXPIRED"}
 *   {"ask": "may", "principal": ID, "action": "read" | "write" | "manage", "collection": C, "doc": D | null}
 *                                                                200 {"may": true | false}
 *
 * MS are milliseconds since 1970; `doc` null asks for every document of the collection. Answers are remembered for a while.
 * Law: whatever is not such an answer, or comes too late, is none (`ACCESS_UNAVAILABLE`): nobody may more than was answered
 * before, and nothing is refused for good. The operator is told when that begins and ends.
 */

import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import { type Clock, processClock } from '../clock.ts'
import type { Report } from '../report.ts'
import type { Access, Principal } from './access.ts'
import { Memory } from './memory.ts'

export interface CallbackOptions {
  readonly url: string
  readonly report: Report
  /** How long an answer counts (ms). */
  readonly cacheMs: number
  /** How long the app may take (ms). Default 2000. */
  readonly timeoutMs?: number
  /** Most answers of either kind that are remembered. Default 10,000. */
  readonly answers?: number
  readonly clock?: Clock
}

const principal = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  name: v.exactOptional(v.pipe(v.string(), v.maxLength(255))),
  expires: v.exactOptional(v.pipe(v.number(), v.finite())),
})
const verdict = v.object({ may: v.boolean() })
const refusal = v.object({ code: v.optional(v.string()) })

export function callbackAccess(options: CallbackOptions): Access {
  const { cacheMs, answers = 10_000, clock = processClock } = options
  const people = new Memory<Principal>(clock, cacheMs, answers)
  const verdicts = new Memory<boolean>(clock, cacheMs, answers)
  const post = posting(options)
  return {
    authenticate(token) {
      const key = createHash('sha256').update(token).digest('base64')
      return people.get(key, async () => {
        const who = await post({ ask: 'who', token }, readPrincipal)
        if (typeof who === 'string') throw new HoldfastError(who)
        return who
      })
    },
    access({ id }, action, collection, doc) {
      const question = { ask: 'may', principal: id, action, collection, doc }
      return verdicts.get(JSON.stringify(question), () => post(question, readVerdict))
    },
  }
}

interface Answer {
  readonly status: number
  /** As it was parsed; null where there was none. */
  readonly body: unknown
}

/** Each throws on an answer that is none. */
function readPrincipal({ status, body }: Answer): Principal | 'TOKEN_INVALID' | 'TOKEN_EXPIRED' {
  if (status !== 401) return v.parse(principal, body)
  return v.parse(refusal, body ?? {}).code === 'TOKEN_EXPIRED' ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID'
}

const readVerdict = ({ body }: Answer): boolean => v.parse(verdict, body).may

const TIMEOUT_MS = 2000

/** Questions that the app is asked at once; after a restart of the server everybody's come together. */
const AT_ONCE = 64

/** Puts a question to the app; rejects with `ACCESS_UNAVAILABLE`. The operator is told when that begins and ends. */
function posting({ url, report, timeoutMs = TIMEOUT_MS }: CallbackOptions) {
  let failing = false
  const turn = limiting(AT_ONCE)
  return async <T>(question: object, read: (answer: Answer) => T): Promise<T> => {
    try {
      const answer = read(await turn(() => ask(url, question, timeoutMs)))
      if (failing) report('the app says again who may what')
      failing = false
      return answer
    } catch (error) {
      if (!failing)
        report(
          `the app does not say who may what, so nobody may more than before: ${reasonOf(error)}; see HOLDFAST_ACCESS_URL`,
        )
      failing = true
      throw new HoldfastError('ACCESS_UNAVAILABLE')
    }
  }
}

/** Runs not more than so many at a time, the others in their order. */
function limiting(most: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running === most) await new Promise<void>(resolve => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

async function ask(url: string, question: object, timeoutMs: number): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(question),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const { status } = response
  const text = await response.text()
  if (status !== 200 && status !== 401) throw new Status(status)
  return { status, body: text === '' ? null : JSON.parse(text) }
}

class Status extends Error {
  constructor(status: number) {
    super(`it answered with ${status}`)
  }
}

/** Without the address and what was asked, which may have a secret in them. */
function reasonOf(error: unknown): string {
  if (error instanceof Status) return error.message
  const { name, cause } = error as { name: string; cause?: { code?: string } }
  if (name === 'TimeoutError') return 'it took too long'
  if (name === 'SyntaxError' || error instanceof v.ValiError) return 'its answer is none that Holdfast knows'
  return `it cannot be reached (${cause?.code ?? name})`
}
