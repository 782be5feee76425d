/** The types that Holdfast knows. */

import { json } from './json.ts'
import { rich } from './rich.ts'
import { text } from './text.ts'
import type { Type, TypeName } from './type.ts'

export type { JsonOp, JsonValue } from './json.ts'
export type { RichDoc, RichOp } from './rich.ts'
export type { TextOp } from './text.ts'
export type { Extent, Fault, FaultCode, Side, Type, TypeName } from './type.ts'
export { json, rich, text }

export const typeNames: readonly TypeName[] = ['text', 'json', 'rich']

const byName = new Map<string, Type>()
for (const type of [text, json, rich] as Type[]) byName.set(type.name, type).set(type.uri, type)

export const isTypeName = (name: unknown): name is TypeName => typeNames.includes(name as TypeName)

/** The type of a name or a URI, or undefined: for what came from outside. */
export const findType = (nameOrUri: unknown): Type | undefined => byName.get(nameOrUri as string)

/** The type of a name or a URI that was checked before; throws on another. */
export function typeOf(nameOrUri: string): Type {
  const type = byName.get(nameOrUri)
  if (!type) throw new Error(`no type is called ${nameOrUri}`)
  return type
}
