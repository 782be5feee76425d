/** The files that commands read and write, standard input and output among them. A failure is FILE_FAILED, by name. */

import { createReadStream, createWriteStream, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HoldfastError } from '../ops/errors.ts'

/** Standard input or output in the place of a file. */
const STANDARD = '-'

/** The bytes of a file, as they come. */
export async function* bytesOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* file === STANDARD ? process.stdin : createReadStream(file)
  } catch (error) {
    throw failed(file, error)
  }
}

/** Writes a file that is not there yet; what was written of it goes when it cannot be finished. */
export async function writeTo(file: string, text: AsyncIterable<string>): Promise<void> {
  const out = file === STANDARD ? process.stdout : createWriteStream(file, { flags: 'wx' })
  try {
    await pipeline(Readable.from(text), out, { end: file !== STANDARD })
  } catch (error) {
    const isOurs = file !== STANDARD && (error as NodeJS.ErrnoException).code !== 'EEXIST'
    if (isOurs) rmSync(file, { force: true })
    throw failed(file, error)
  }
}

function failed(file: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error
  const { code, message } = error as NodeJS.ErrnoException
  const why = code === 'EEXIST' ? 'it is there already' : message
  return new HoldfastError('FILE_FAILED', `${file}: ${why}.`)
}
