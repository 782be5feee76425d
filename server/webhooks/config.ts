/** Who is told of changes: HOLDFAST_WEBHOOKS, read and checked at the start. */

import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { HoldfastError } from '../../ops/errors.ts'
import type { Settings } from '../settings.ts'

const SECRET_CHARS = 16

const list = v.array(
  v.pipe(
    v.strictObject({
      url: v.pipe(v.string(), v.url(), v.regex(/^https?:/)),
      collections: v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(1)),
      secret: v.exactOptional(v.string()),
      secretFile: v.exactOptional(v.string()),
    }),
    v.check(
      hook => (hook.secret === undefined) !== (hook.secretFile === undefined),
      'either secret or secretFile',
    ),
  ),
)

export interface Webhook {
  readonly url: string
  readonly collections: readonly string[]
  readonly secret: string
}

/** Throws SETTING_INVALID, which repeats nothing of the value: there are secrets in it. */
export function webhooksIn({ WEBHOOKS }: Pick<Settings, 'WEBHOOKS'>): Webhook[] {
  if (WEBHOOKS === '') return []
  const result = v.safeParse(list, parsed(WEBHOOKS.startsWith('[') ? WEBHOOKS : read(WEBHOOKS)))
  if (!result.success) {
    const path = v.getDotPath(result.issues[0]) ?? 'the list'
    throw wrong(`${path} is not as it must be: a JSON list of {url, collections, secret or secretFile}`)
  }
  return result.output.map(({ url, collections, secret, secretFile }) => {
    const key = secret ?? read(secretFile!).replace(/\r?\n$/, '')
    if (key.length < SECRET_CHARS) throw wrong(`a secret must have ${SECRET_CHARS} characters or more`)
    return { url, collections, secret: key }
  })
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw wrong(`a file cannot be read (${(error as { code?: string }).code})`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw wrong('it is not JSON')
  }
}

const wrong = (why: string): HoldfastError =>
  new HoldfastError('SETTING_INVALID', `HOLDFAST_WEBHOOKS: ${why}.`)
