/** A valibot schema as JSON Schema (2020-12), as far as the routes use them. What it does not know throws: a test would see it. */

import type * as v from 'valibot'

export type JsonSchema = { [key: string]: unknown }
// biome-ignore lint/suspicious/noExplicitAny: valibot's parts are told apart by `type` at run time
type Part = any

export function jsonSchemaOf(schema: v.GenericSchema): JsonSchema {
  const part = schema as Part
  const [, ...steps] = part.pipe ?? [part]
  return Object.assign(plain(part), ...steps.map(constraintOf))
}

/** Whether a key may be missing. */
export const isOptional = (schema: v.GenericSchema): boolean => schema.type === 'exact_optional'

function plain(part: Part): JsonSchema {
  switch (part.type) {
    case 'string':
    case 'number':
    case 'boolean':
      return { type: part.type }
    case 'unknown':
      return {}
    case 'literal':
      return { const: part.literal }
    case 'picklist':
      return { enum: part.options }
    case 'exact_optional':
      return jsonSchemaOf(part.wrapped)
    case 'nullable':
      return { anyOf: [jsonSchemaOf(part.wrapped), { type: 'null' }] }
    case 'union':
      return { anyOf: part.options.map(jsonSchemaOf) }
    case 'array':
      return { type: 'array', items: jsonSchemaOf(part.item) }
    case 'tuple':
      return { type: 'array', prefixItems: part.items.map(jsonSchemaOf), minItems: part.items.length }
    case 'record':
      return { type: 'object', additionalProperties: jsonSchemaOf(part.value) }
    case 'strict_object': {
      const entries = Object.entries<v.GenericSchema>(part.entries)
      return {
        type: 'object',
        properties: Object.fromEntries(entries.map(([name, each]) => [name, jsonSchemaOf(each)])),
        required: entries.flatMap(([name, each]) => (isOptional(each) ? [] : name)),
        additionalProperties: false,
      }
    }
    default:
      throw new Error(`no JSON Schema for ${part.type}`)
  }
}

/** What follows a transform is said by its description: the value is a text on the wire. */
function constraintOf(step: Part): JsonSchema {
  switch (step.type) {
    case 'description':
      return { description: step.description }
    case 'regex':
      return { pattern: step.requirement.source }
    case 'min_length':
      return { minLength: step.requirement }
    case 'max_length':
      return { maxLength: step.requirement }
    case 'min_value':
      return { minimum: step.requirement }
    case 'safe_integer':
      return { type: 'integer' }
    // A whole schema in a pipe is the same value again.
    default:
      return step.kind === 'schema' ? jsonSchemaOf(step) : {}
  }
}
