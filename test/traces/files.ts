/**
 * Where the recorded histories are, and reading them.
 *
 * The full ones stand beside the checkout in `../shared/traces` (or where HOLDFAST_TRACES says); `fixtures/` holds the
 * beginning of each in the same form, so that the tests run in a clone that has nothing beside it.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Splice } from './splice.ts'

const beside = fileURLToPath(new URL('../../../shared/traces', import.meta.url))
const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))

export type SequentialName = 'automerge-paper' | 'seph-blog1'

/** One author's history: applied in order, the splices lead from `start` to `end`. */
export interface Sequential {
  readonly start: string
  readonly end: string
  readonly splices: readonly Splice[]
}

interface SequentialFile {
  startContent: string
  endContent: string
  txns: { patches: [position: number, deleted: number, inserted: string][] }[]
}

/** The whole trace, or with `sample` the committed beginning of it. */
export function readSequential(name: SequentialName, { sample = false } = {}): Sequential {
  const file = readJson(
    sample ? samplePath(name) : join(tracesDirectory(), `${name}.json.gz`),
  ) as SequentialFile
  const splices = file.txns
    .flatMap(({ patches }) => patches)
    .map(([at, deleted, inserted]) => ({ at, deleted, inserted }))
  if (
    [file.startContent, ...splices.map(splice => splice.inserted)].some(text =>
      /[\u{10000}-\u{10ffff}]/u.test(text),
    )
  ) {
    throw new Error(
      `${name} has characters beyond U+FFFF: its positions would differ from one system to another`,
    )
  }
  return { start: file.startContent, end: file.endContent, splices }
}

/** A file that somebody named: a path, or a name in the directory of traces. */
export function replayPath(nameOrPath: string): string {
  return /[/\\.]/.test(nameOrPath) ? nameOrPath : join(tracesDirectory(), `${nameOrPath}.replay.json.gz`)
}

/** The committed beginning of a trace. */
export const samplePath = (name: string): string => join(fixtures, `${name}.sample.json`)

/** JSON, gzipped or not; the message of a failure says what to do. */
export function readJson(path: string): unknown {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new Error(
      `cannot read ${path} (${reason}): put the traces beside the checkout as ../shared/traces, or name their directory in HOLDFAST_TRACES`,
    )
  }
  const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b
  return JSON.parse((zipped ? gunzipSync(bytes) : bytes).toString())
}

const tracesDirectory = () => process.env.HOLDFAST_TRACES ?? beside
