/**
 * What the program `holdfast` can do: one table, from which the reading of its command line, `--help` and the README's list
 * come. Commands work on the database that the settings name, as the server does.
 */

import { parseArgs } from 'node:util'
import { HoldfastError } from '../ops/errors.ts'
import { nameFault } from '../ops/names.ts'
import { bytesOf, writeTo } from './files.ts'
import { progress } from './progress.ts'
import { type Settings, helpText as settingsText } from './settings.ts'
import { restore } from './store/backup.ts'
import type { Engine } from './store/engine.ts'
import { exportCollection } from './store/export.ts'
import { importCollection } from './store/import.ts'
import { backUp, openExisting, openLasting } from './store/open.ts'
import { verifyStore } from './store/verify.ts'

interface Options {
  readonly into?: string
}

interface Command {
  /** What follows the name of the command; in brackets what may be left out. */
  readonly takes: string
  readonly meaning: string
  /** Resolves with what it did, in a line for the operator; rejects with a code. */
  run(settings: Settings, args: readonly string[], options: Options): Promise<string>
}

export const commands: Readonly<Record<string, Command>> = {
  serve: {
    takes: '',
    meaning: 'Runs the server, as `npm start` does.',
    // Loaded only where it is needed: it is most of the program.
    run: async settings => (await import('./serve.ts')).serve(settings),
  },
  doctor: {
    takes: '',
    meaning: 'Checks settings, store, bus, clock, disk and limits, and says what to mend.',
    async run(settings) {
      const { examine } = await import('./doctor.ts')
      const failed = await examine(settings, line => console.log(line))
      if (failed > 0) throw new HoldfastError('UNFIT', `${failed} of the checks failed; see above.`)
      return 'All is there that the server needs'
    },
  },
  backup: {
    takes: 'FILE',
    meaning: 'Copies the database, at one moment and whole, to a new file. The server may be running.',
    async run(settings, [file]) {
      await backUp(settings, file!)
      return `Backed up to ${file}`
    },
  },
  restore: {
    takes: 'FILE',
    meaning:
      'Fills an empty database from a backup, whatever engine that was taken of. Stop the server first.',
    run: (settings, [file]) =>
      using(openLasting(settings), async engine => {
        await restore(file!, engine)
        return `Restored from ${file}`
      }),
  },
  verify: {
    takes: '',
    meaning:
      'Replays every op and compares all that is kept with it; the first difference ends it with exit code 1.',
    run: settings => using(openExisting(settings), verify),
  },
  export: {
    takes: 'COLLECTION [FILE]',
    meaning: 'Writes a collection with its history as JSON lines, to standard output if no file is named.',
    run: (settings, [collection, file = '-']) =>
      using(openExisting(settings), engine => exportTo(engine, collection!, file)),
  },
  import: {
    takes: 'FILE [--into COLLECTION]',
    meaning:
      'Adds the documents of an export, `-` for standard input, and passes over those that are there already.',
    run: (settings, [file], { into }) => {
      checkName(into, settings)
      return using(openLasting(settings), engine => importFrom(engine, file!, into, settings))
    },
  },
}

/** A command as it was typed. */
export interface Call {
  readonly name: string
  readonly args: readonly string[]
  readonly options: Options
}

/** Reads a command line; null asks for help. Throws COMMAND_INVALID. */
export function readCommand(argv: readonly string[]): Call | null {
  const { values, positionals } = parsed(argv)
  const [name, ...args] = positionals
  if (values.help) return null
  if (name === undefined) throw invalid('Say what to do')
  const command = Object.hasOwn(commands, name) ? commands[name]! : undefined
  if (!command) throw invalid(`There is no command ${JSON.stringify(name)}`)
  const takesInto = command.takes.includes('--into')
  const words = command.takes.replace(/\[--.*?\]/, '').match(/\S+/g) ?? []
  const needed = words.filter(word => !word.startsWith('[')).length
  if (args.length < needed || args.length > words.length || (values.into !== undefined && !takesInto)) {
    throw invalid(`It is: ${usageOf(name)}`)
  }
  return { name, args, options: values.into === undefined ? {} : { into: values.into } }
}

/** What `--help` prints. */
export function helpText(): string {
  const uses = Object.keys(commands).map(usageOf)
  const width = Math.max(...uses.map(use => use.length))
  const lines = Object.values(commands).map(({ meaning }, i) => `  ${uses[i]!.padEnd(width)}  ${meaning}`)
  return `Commands:\n\n${lines.join('\n')}\n\n${settingsText()}`
}

/** The commands as a table for the README. */
export function commandTable(): string {
  const rows = Object.entries(commands).map(
    ([name, { meaning }]) => `| \`npx ${usageOf(name)}\` | ${meaning} |`,
  )
  return ['| command | what it does |', '|---|---|', ...rows].join('\n')
}

const usageOf = (name: string): string => `holdfast ${name} ${commands[name]!.takes}`.trim()

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: { help: { type: 'boolean', short: 'h' }, into: { type: 'string' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw invalid((error as Error).message.split('\n')[0]!)
  }
}

const invalid = (says: string): HoldfastError =>
  new HoldfastError('COMMAND_INVALID', `${says.replace(/\.$/, '')}. See holdfast --help.`)

/** Opens, works and closes, also when the work fails. */
async function using<T>(opening: Promise<Engine>, work: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await opening
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

async function verify(engine: Engine): Promise<string> {
  const finding = await verifyStore(engine, progress)
  if (finding.kind === 'differs') throw new HoldfastError('STORE_CORRUPT', finding.message)
  const { documents, ops, rungs } = finding
  return `Sound: ${documents} documents, ${ops} ops, ${rungs} rungs`
}

async function exportTo(engine: Engine, collection: string, file: string): Promise<string> {
  let counts = { documents: 0, ops: 0 }
  const lines = exportCollection(engine, collection, now => {
    counts = { ...now }
    progress(now)
  })
  await writeTo(file, lines)
  return `Exported ${counts.documents} documents, ${counts.ops} ops`
}

async function importFrom(
  engine: Engine,
  file: string,
  into: string | undefined,
  { NAME_CHARS }: Settings,
): Promise<string> {
  const options = { progress, nameChars: NAME_CHARS, ...(into !== undefined && { into }) }
  const { collection, documents, ops, known } = await importCollection(engine, bytesOf(file), options)
  const others = known > 0 ? `; ${known} documents were there already` : ''
  return `Imported ${documents} documents, ${ops} ops into ${collection}${others}`
}

function checkName(name: string | undefined, { NAME_CHARS }: Settings): void {
  const fault = name === undefined ? null : nameFault(name, NAME_CHARS)
  if (fault !== null) throw new HoldfastError('NAME_INVALID', fault)
}
