/** What stands in an address: the names of a collection and a document. */

import { HoldfastError } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import type { Settings } from '../settings.ts'

/** Throws NAME_INVALID. */
export function checkedName(name: string, settings: Pick<Settings, 'NAME_CHARS'>): string {
  const fault = nameFault(name, settings.NAME_CHARS)
  if (fault) throw new HoldfastError('NAME_INVALID', fault)
  return name
}
