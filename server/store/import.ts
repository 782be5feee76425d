/**
 * A collection from JSON lines (lines.ts). Each line is checked before anything is made of it, each op against the document
 * that it changes. A document is added whole or not at all; what was added before a line that cannot stand stays.
 */

import { type ErrorCode, HoldfastError } from '../../ops/errors.ts'
import { nameFault } from '../../ops/names.ts'
import type { Engine } from './engine.ts'
import type { Progress } from './export.ts'
import { failed } from './failed.ts'
import { IncomingDocument } from './import/document.ts'
import { type Line, type LineOf, must, parseHeader, parseLine, splitLines } from './lines.ts'
import { PACK_OPS } from './packs.ts'
import { RUNG_SIZES } from './rungs.ts'
import type { TendingOptions } from './tending.ts'

export interface Imported {
  readonly collection: string
  /** Added, with so many ops. */
  documents: number
  ops: number
  /** Passed over: the database has them with the same history. */
  known: number
}

export interface ImportOptions extends Partial<TendingOptions> {
  /** Another collection than the file names. */
  readonly into?: string
  readonly progress?: Progress
  /** Whose a src is, is not believed. */
  readonly unowned?: boolean
  /** The longest name; without it, a name may be whatever the file says. */
  readonly nameChars?: number
}

export type ImportRules = Pick<ImportOptions, 'unowned' | 'nameChars'>

/**
 * Rejects with `IMPORT_INVALID` and the number of the line; with `NAME_INVALID` for a name that nothing here may have; with
 * `DOCUMENT_EXISTS` for a document that is here with another history; with `STORE_FAILED`.
 */
export async function importCollection(
  engine: Engine,
  chunks: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<Imported> {
  const file = new Reading(engine, options)
  let number = 0
  try {
    for await (const text of splitLines(chunks)) {
      number++
      await file.take(text)
    }
    number++
    return file.end()
  } catch (error) {
    throw inLine(number, error)
  }
}

class Reading {
  readonly #engine: Engine
  readonly #options: ImportOptions
  #imported: Imported | null = null
  #incoming: IncomingDocument | null = null
  /** What the file has so far, known documents included. */
  readonly #seen = { documents: 0, ops: 0 }
  #ended = false

  constructor(engine: Engine, options: ImportOptions) {
    this.#engine = engine
    this.#options = options
  }

  async take(text: string): Promise<void> {
    if (this.#imported === null) this.#begin(text)
    else {
      must(!this.#ended, 'nothing may follow the line that begins with "end"')
      await this.#line(parseLine(text))
    }
  }

  end(): Imported {
    must(
      this.#imported !== null && this.#ended,
      'the file was cut: it does not end with a line that begins with "end"',
    )
    return this.#imported
  }

  #begin(text: string): void {
    const { collection } = parseHeader(text)
    const into = this.#options.into ?? collection
    this.#checkName(into)
    this.#imported = { collection: into, documents: 0, ops: 0, known: 0 }
  }

  async #line(line: Line): Promise<void> {
    if (line.kind === 'doc' || line.kind === 'end') await this.#finish()
    if (line.kind === 'doc') await this.#document(line.line)
    else if (line.kind === 'end') this.#count(line.line)
    else {
      must(this.#incoming !== null, 'no document was begun')
      if (line.kind === 'v') this.#seen.ops++
      this.#incoming.take(line)
    }
  }

  #checkName(name: string): void {
    const { nameChars } = this.#options
    const fault = nameChars === undefined ? null : nameFault(name, nameChars)
    if (fault) throw new HoldfastError('NAME_INVALID', fault)
  }

  async #document(line: LineOf<'doc'>): Promise<void> {
    this.#checkName(line.doc)
    const key = { collection: this.#imported!.collection, id: line.doc }
    const row = await this.#engine.doc(key)
    const known = row !== null && row.v > 0
    if (known && (row.v !== line.v || row.hash !== line.hash)) throw exists(key.id)
    const { rungSizes = RUNG_SIZES, packOps = PACK_OPS } = this.#options
    this.#incoming = new IncomingDocument(key, line, known, { rungSizes, packOps })
    this.#seen.documents++
  }

  async #finish(): Promise<void> {
    const incoming = this.#incoming
    if (incoming === null) return
    this.#incoming = null
    const imported = this.#imported!
    const whole = incoming.whole()
    if (incoming.known) {
      imported.known++
      return
    }
    const added = await this.#engine
      .adopt(this.#options.unowned ? { ...whole, owners: [] } : whole)
      .catch(error => {
        throw failed('write', error)
      })
    if (!added) throw exists(whole.key.id)
    imported.documents++
    imported.ops += incoming.ops
    this.#options.progress?.(imported)
  }

  #count({ end: { documents, ops } }: LineOf<'end'>): void {
    const seen = this.#seen
    must(
      documents === seen.documents && ops === seen.ops,
      `it counts ${documents} documents and ${ops} ops, the file has ${seen.documents} and ${seen.ops}`,
    )
    this.#ended = true
  }
}

const exists = (id: string): HoldfastError =>
  new HoldfastError(
    'DOCUMENT_EXISTS',
    `Document ${JSON.stringify(id)} is here already, with another history.`,
  )

/** Errors that have a code keep it. */
function inLine(number: number, error: unknown): HoldfastError {
  const code: ErrorCode = error instanceof HoldfastError ? error.code : 'IMPORT_INVALID'
  return new HoldfastError(code, `Line ${number}: ${(error as Error).message}`)
}
