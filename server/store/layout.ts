/**
 * The tables and their columns, the same in every engine (`engine.ts` says what each is for): what is read row by row to
 * verify it, to back it up and to move it. A backup is a SQLite file of these tables, whatever database it was taken of.
 *
 * Integers are JavaScript's safe ones, texts are those of `text.ts` (names in their JSON form, JSON as it is), blobs are
 * deflated JSON or packs. `?` marks what may be null.
 */

export const layout = {
  facts: { name: 'text', value: 'text' },
  collections: { name: 'text', change: 'integer' },
  owners: { src: 'text', who: 'text' },
  docs: {
    num: 'integer',
    collection: 'text',
    id: 'text',
    v: 'integer',
    type: 'text?',
    at: 'integer',
    hash: 'text',
    change: 'integer',
    writers: 'integer',
    horizon: 'integer',
  },
  writers: { doc: 'integer', writer: 'integer', src: 'text', seq: 'integer', v: 'integer', seal: 'text?' },
  turns: { doc: 'integer', v: 'integer', type: 'text?' },
  packs: {
    doc: 'integer',
    v: 'integer',
    n: 'integer',
    start: 'integer',
    end: 'integer',
    hash: 'text',
    about: 'text',
    body: 'blob?',
    names: 'blob?',
  },
  packnames: { doc: 'integer', writer: 'integer', seq: 'integer', v: 'integer' },
  ops: {
    doc: 'integer',
    v: 'integer',
    writer: 'integer?',
    seq: 'integer?',
    at: 'integer',
    body: 'text',
    meta: 'text?',
    hash: 'text',
  },
  rungs: { doc: 'integer', size: 'integer', v: 'integer', op: 'blob' },
  snapshots: { doc: 'integer', v: 'integer', type: 'text?', data: 'text?', meta: 'text?' },
  milestones: {
    doc: 'integer',
    v: 'integer',
    mtime: 'integer?',
    type: 'text?',
    data: 'blob?',
    meta: 'text?',
  },
  marks: { doc: 'integer', name: 'text', v: 'integer', at: 'integer' },
  credits: { doc: 'integer', v: 'integer', runs: 'blob' },
} as const

/** What the rows of a table are unique by, and the order in which they are read (texts in any order). */
export const keys = {
  facts: ['name'],
  collections: ['name'],
  owners: ['src'],
  docs: ['num'],
  writers: ['doc', 'writer'],
  turns: ['doc', 'v'],
  packs: ['doc', 'v'],
  packnames: ['doc', 'writer', 'seq'],
  ops: ['doc', 'v'],
  rungs: ['doc', 'size', 'v'],
  snapshots: ['doc'],
  milestones: ['doc', 'v'],
  marks: ['doc', 'name'],
  credits: ['doc'],
} as const satisfies { [T in Table]: readonly (keyof (typeof layout)[T])[] }

type Layout = typeof layout
export type Table = keyof Layout
/** The tables of documents: their first column is the document's number. */
export type DocTable = Exclude<Table, 'facts' | 'collections' | 'owners' | 'docs'>

interface Values {
  integer: number
  'integer?': number | null
  text: string
  'text?': string | null
  blob: Uint8Array
  'blob?': Uint8Array | null
}

export type Row<T extends Table> = {
  readonly [Column in keyof Layout[T]]: Values[Extract<Layout[T][Column], keyof Values>]
}

/** In an order in which a row comes after those that it refers to. */
export const tables = Object.keys(layout) as readonly Table[]
export const docTables = tables.filter((table): table is DocTable => Object.hasOwn(layout[table], 'doc'))
export const columnsOf = (table: Table): readonly string[] => Object.keys(layout[table])

/** A batch of rows ends at so many rows, or at so much text and bytes in them. */
export const BATCH_ROWS = 256
export const BATCH_LENGTH = 1 << 20

/** Characters and bytes in a row. */
export function lengthOf(row: Readonly<Record<string, unknown>>): number {
  let length = 0
  for (const column in row) {
    const value = row[column]
    if (typeof value === 'string' || value instanceof Uint8Array) length += value.length
  }
  return length
}
