/** How values stand in a database: names in their JSON form, JSON as it is or deflated. */

import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** The JSON form in which names, ids and srcs are kept: databases would change lone surrogates and refuse NUL. */
export const quoted = (text: string): string => JSON.stringify(text)
export const unquoted = (text: string): string => JSON.parse(text)

export const deflated = (text: string): Uint8Array => deflateRawSync(text)
export const inflated = (bytes: Uint8Array): string => inflateRawSync(bytes).toString()

/** JSON text of what may be missing. */
export const jsonOrNull = (value: Record<string, unknown> | null | undefined): string | null =>
  value ? JSON.stringify(value) : null
export const parsedOrNull = (text: string | null): Record<string, unknown> | null =>
  text === null ? null : JSON.parse(text)
