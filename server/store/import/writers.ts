/** The writers of a document that is imported: as the file names them, or as they come up in its ops. */

import type { Row } from '../layout.ts'
import { type LineOf, must } from '../lines.ts'
import { quoted } from '../text.ts'

export class Writers {
  /** In the order of their numbers, which begin at 1; a Map keeps it. */
  readonly #named = new Map<string, LineOf<'writer'>>()
  readonly #numbers = new Map<string, number>()
  readonly #last = new Map<string, { seq: number; v: number }>()

  name(line: LineOf<'writer'>): void {
    must(!this.#named.has(line.writer), 'this writer was named before')
    this.#named.set(line.writer, line)
    this.#numbers.set(line.writer, this.#numbers.size + 1)
  }

  /** An op that follows those before. */
  take({ v, src, seq }: LineOf<'v'>): void {
    must((src === undefined) === (seq === undefined), 'src and seq stand together or not at all')
    if (src === undefined) return
    const former = this.#last.get(src)
    must(!former || seq! > former.seq, `seq ${seq} of this src comes after its seq ${former?.seq}`)
    must(this.#named.size === 0 || this.#named.has(src), 'no line that begins with "writer" names its src')
    if (!this.#numbers.has(src)) this.#numbers.set(src, this.#numbers.size + 1)
    this.#last.set(src, { seq: seq!, v })
  }

  numberOf(src: string): number | undefined {
    return this.#numbers.get(src)
  }

  /** Whose srcs they are, as far as the file says. */
  owners(): Row<'owners'>[] {
    return [...this.#named.values()].flatMap(({ writer, who }) =>
      who === undefined ? [] : [{ src: quoted(writer), who: quoted(who) }],
    )
  }

  /** The ledger, once all ops were taken. Who has no op in the file wrote before it begins, at `from`. */
  rows(from: number): Omit<Row<'writers'>, 'doc'>[] {
    return [...this.#numbers].map(([src, writer]) => {
      const named = this.#named.get(src)
      const last = this.#last.get(src)
      if (named) {
        const holds = last ? named.seq === last.seq && named.v === last.v : named.v < from
        must(holds, `writer ${writer} is said to have written last at version ${named.v}, and did not`)
      }
      const { seq, v } = (last ?? named)!
      return { writer, src: quoted(src), seq, v, seal: named?.seal ?? null }
    })
  }
}
