/** Secrets: from a setting, or from the file that an orchestrator mounts. */

import { readFileSync } from 'node:fs'
import { HoldfastError } from '../ops/errors.ts'
import type { Settings } from './settings.ts'

type Secret = 'JWT_SECRET' | 'METRICS_TOKEN' | 'STORE_PASSWORD'
type Given<Name extends Secret> = Partial<Pick<Settings, (Name | `${Name}_FILE`) & keyof Settings>>

/** Empty if there is none. Throws SETTING_INVALID. */
export function secretOf<Name extends Secret>(name: Name, settings: Given<Name>): string {
  const given = settings as Record<string, string | undefined>
  const [text = '', file = ''] = [given[name], given[`${name}_FILE`]]
  if (text !== '' && file !== '') throw wrong(`HOLDFAST_${name} and HOLDFAST_${name}_FILE exclude each other`)
  return file === '' ? text : readSecret(`HOLDFAST_${name}_FILE`, file)
}

/** Files end with a line feed more often than secrets do. */
function readSecret(setting: string, file: string): string {
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    if (text !== '') return text
  } catch (error) {
    throw wrong(`${setting} cannot be read (${(error as { code?: string }).code})`)
  }
  throw wrong(`${setting} is empty`)
}

const wrong = (why: string): HoldfastError => new HoldfastError('SETTING_INVALID', `${why}.`)
