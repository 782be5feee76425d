/** What a <holdfast-editor> is asked to show, read from its attributes. Pure but for the page's own address. */

import { type ErrorCode, errors } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import { isTypeName, typeNames } from '../../types/index.ts'
import type { TypeName } from '../../types/type.ts'

export interface Target {
  readonly collection: string
  readonly id: string
  readonly type: TypeName
  /** Address of the server, without a slash at the end. */
  readonly server: string
}

export interface Complaint {
  readonly code: ErrorCode
  readonly message: string
}

/** The target, or what is wrong with the attributes and how to mend it. */
export function targetOf(element: Element, home: string): Target | Complaint {
  const collection = element.getAttribute('collection') ?? ''
  const id = element.getAttribute('doc') ?? ''
  const type = element.getAttribute('type') ?? 'rich'
  for (const [attribute, name] of Object.entries({ collection, doc: id })) {
    const fault = nameFault(name)
    if (fault) return { code: 'NAME_INVALID', message: `Attribute ${attribute}: ${fault}` }
  }
  if (!isTypeName(type)) {
    return {
      code: 'TYPE_UNKNOWN',
      message: `Attribute type: "${type}" is not one of ${typeNames.join(', ')}.`,
    }
  }
  const server = serverOf(element.getAttribute('server') ?? home)
  if (server === null)
    return { code: 'SETTING_INVALID', message: 'Attribute server: it is not an http or https address.' }
  return { collection, id, type, server }
}

/** An http(s) or ws(s) address, absolute or relative to the page, in one form; null if it is none. */
export function serverOf(address: string): string | null {
  if (!URL.canParse(address, location.href)) return null
  const url = new URL(address, location.href)
  const protocol = url.protocol.replace(/^ws/, 'http')
  if (protocol !== 'http:' && protocol !== 'https:') return null
  return `${protocol}//${url.host}${url.pathname}`.replace(/\/+$/, '')
}

/** Any fault as a code and words for a person. */
export function complaintOf(fault: unknown): Complaint {
  const code = (fault as { code?: unknown } | null)?.code
  if (typeof code === 'string' && Object.hasOwn(errors, code)) {
    return { code: code as ErrorCode, message: (fault as Error).message || code }
  }
  return { code: 'INTERNAL', message: fault instanceof Error ? fault.message : String(fault) }
}
