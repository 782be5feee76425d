/** What `device` measures of a system: a document of a size, and the merge of two long branches. */

import { readSequential } from '../../traces/files.ts'
import { type Splice, spliceString } from '../../traces/splice.ts'
import { makeBranches } from '../branches.ts'
import { digest } from '../content.ts'
import { textOf } from '../store/edits.ts'
import { DOCUMENT, openStage, type Stage } from './stage.ts'
import type { DeviceSystem } from './systems.ts'

/** How much of everything. */
export interface Extent {
  /** Typed one by one with no server, for the bytes of each. */
  readonly keystrokes: number
  /** Typed one by one with a server, each when it has the one before. */
  readonly online: number
  /** In the log when the document is opened with edits in it; those that were typed are among them. */
  readonly unsent: number
  /** Fresh pages that open the document, each time. */
  readonly pages: number
  /** All is written when nothing was for so long: y-indexeddb begins to tidy up after a second. */
  readonly quietMs: number
  /** What a page is asked may take no longer. */
  readonly limitMs: number
}

export const metrics = [
  'bytes_per_keystroke',
  'transactions_per_keystroke',
  'open_ms',
  'open_5000_ms',
  'online_bytes_per_keystroke',
  'online_transactions_per_keystroke',
  'longest_task_ms',
  'merge_ms',
] as const

/** Printed for comparison, and no rows. */
export const printed = ['first_save_ms', 'disk_per_keystroke'] as const

/**
 * `disk_per_keystroke`: what the browser's files have grown by with no server. It has what the
 * database puts around a record, but not what it replaced: a value over 64 kB is a file of its own each time.
 */
export type Metric = (typeof metrics)[number] | (typeof printed)[number]

export interface Run {
  readonly system: DeviceSystem
  /** Where the pages are served. */
  readonly origin: string
  readonly extent: Extent
  /** Takes a figure as soon as it is there: what was measured before something fails counts. */
  note(metric: Metric, value: number): void
}

export interface DeviceCase {
  readonly name: string
  run(run: Run): Promise<void>
}

/** A text document of `size` ASCII characters. */
export const documentCase = (name: string, size: number): DeviceCase => ({
  name,
  async run({ system, origin, extent, note }) {
    const base = textOf(size, 1)
    await using stage = await openStage(system, origin, base, extent.limitMs)
    const { keystrokes, online, unsent, quietMs, pages } = extent
    const edits = Array.from({ length: unsent + pages + online }, (_, index) => keystroke(index, size))
    const last = edits.splice(unsent + pages)
    const first = edits.splice(unsent)
    const typed = edits.slice(0, keystrokes)
    const edited = edits.reduce(spliceString, base)

    await fetchDocument(stage, base, extent)
    stage.online = false
    for (let page = 0; page < pages; page++) {
      note('open_ms', await stage.open())
      await stage.ask('quiet', REST_MS)
    }
    await stage.check(base)

    const disk = await stage.diskBytes()
    const alone = await stage.ask('type', typed, 'saved', quietMs)
    note('bytes_per_keystroke', alone.bytes / keystrokes)
    note('transactions_per_keystroke', alone.transactions / keystrokes)
    note('disk_per_keystroke', ((await stage.diskBytes()) - disk) / keystrokes)

    await stage.ask('burst', edits.slice(keystrokes))
    await stage.ask('quiet', quietMs)
    for (let page = 0; page < pages; page++) {
      note('open_5000_ms', await stage.open())
      await stage.check(edited)
      await stage.ask('quiet', REST_MS)
    }
    for (const splice of first) {
      const opened = await stage.open()
      note('first_save_ms', opened + (await stage.ask('save', splice)))
      await stage.ask('quiet', REST_MS)
    }

    await stage.ask('merge')
    const together = await stage.ask('type', last, 'settled', quietMs)
    note('online_bytes_per_keystroke', together.bytes / online)
    note('online_transactions_per_keystroke', together.transactions / online)
    await stage.check([...first, ...last].reduce(spliceString, edited))
  },
})

/** A page wrote nothing for so long: whatever it began is done. */
const REST_MS = 1000

/** `count` edits here and `count` there, those of `reconnect`; of the traces' beginnings with `sample`. */
export const mergeCase = (name: string, count: number, { sample = false } = {}): DeviceCase => ({
  name,
  async run({ system, origin, extent, note }) {
    const [paper, blog] = [
      readSequential('automerge-paper', { sample }),
      readSequential('seph-blog1', { sample }),
    ]
    const branches = makeBranches(paper, blog, count, 'text')
    await using stage = await openStage(system, origin, branches.base, extent.limitMs)
    await fetchDocument(stage, branches.base, extent)
    stage.online = false
    await stage.ask('burst', branches.client)
    await stage.ask('quiet', extent.quietMs)
    await stage.server.advance(DOCUMENT, branches.server)
    const { ms, longestMs } = await stage.ask('merge')
    const [here, there] = [digest(await stage.ask('text')), await stage.server.content(DOCUMENT)]
    if (here.hash !== there.hash)
      throw new Error(`page (${here.length} units) and server (${there.length} units) ended different`)
    note('merge_ms', ms)
    note('longest_task_ms', longestMs)
  },
})

/** A device that comes here for the first time, until it has the whole document. */
async function fetchDocument(stage: Stage, text: string, { quietMs }: Extent): Promise<void> {
  await stage.open()
  await stage.ask('settled')
  await stage.ask('quiet', quietMs)
  await stage.check(text)
}

/** Letters typed in a row before going on elsewhere. */
const RUN = 40
/** Steps from a run to the next: a prime, so that the places spread over the document. */
const JUMP = 104_729

/** A letter, typed into a document that had `size` characters before the first one. */
function keystroke(index: number, size: number): Splice {
  const at = ((Math.floor(index / RUN) * JUMP) % size) + (index % RUN)
  return { at, deleted: 0, inserted: String.fromCharCode(97 + (index % 26)) }
}
