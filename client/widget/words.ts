/** The truth about a document in plain words. Pure. */

import type { Loss, Truth } from '../api.ts'

/** Whether all is well, work is under way, or a person should look. */
export type Tone = 'good' | 'busy' | 'away' | 'alarm'

export interface Words {
  readonly tone: Tone
  /** What is true now, with numbers. */
  readonly line: string
  /** The same without what changes at every key, for a screen reader to say once. */
  readonly said: string
}

export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

export function wordsFor(truth: Truth): Words {
  const unkept = truth.error && unkeptWords(truth.error)
  if (unkept) return { tone: 'alarm', line: join(unkept, unsentWords(truth)), said: unkept }
  if (truth.wentBack) {
    const line = 'The server went back to an older version: decide which one stays'
    return { tone: 'alarm', line: join(line, savedWords(truth), unsentWords(truth)), said: line }
  }
  if (truth.held > 0) {
    const line = `${count(truth.held, 'edit')} ${truth.held === 1 ? 'needs' : 'need'} your decision`
    return { tone: 'alarm', line: join(line, savedWords(truth), unsentWords(truth)), said: line }
  }
  const fault = truth.error ? `${truth.error.message} (${truth.error.code})` : ''
  return { ...connectionWords(truth, fault), ...(fault && { tone: 'alarm' as const }) }
}

/** A device that saves nothing, and what a person does about it; null if the fault is another one. */
function unkeptWords({ code, message }: NonNullable<Truth['error']>): string | null {
  if (code === 'LOG_TAKEN')
    return 'Not saved on this device: another page keeps the edits now. Copy what is not yet on the server, and reload this page'
  if (code !== 'LOG_FAILED') return null
  return `Not saved on this device: ${message.replace(/\.$/, '')}. Keep this page open until all is on the server`
}

/** What the browser lost, and when it was there last, in the reader's language. */
export function lossWords({ edits, at, reason }: Loss): string {
  const what = `${count(edits, 'edit')} from this device ${edits === 1 ? 'was' : 'were'} lost by the browser before ${edits === 1 ? 'it' : 'they'} reached the server`
  const why = reason === 'emptied' ? 'it removed what was kept here' : 'parts of what was kept here are gone'
  return `${what}: ${why} after ${new Date(at).toLocaleString()}. If you have a copy, write ${edits === 1 ? 'it' : 'them'} again.`
}

function connectionWords(truth: Truth, fault: string): Words {
  const kept = truth.unsent > 0 ? [savedWords(truth), unsentWords(truth)] : []
  switch (truth.status) {
    case 'offline':
      return {
        tone: 'away',
        line: join(
          `Offline: ${kept.length > 0 ? 'go on writing' : 'what you write is kept on this device'}`,
          ...kept,
          fault,
        ),
        said: join('Offline: what you write is kept on this device', fault),
      }
    case 'connecting':
      return { tone: 'busy', line: join('Connecting…', ...kept, fault), said: fault }
    case 'syncing':
    case 'held':
      return { tone: 'busy', line: join(savedWords(truth), unsentWords(truth), fault), said: fault }
    case 'synced': {
      if (!truth.exists) return { tone: 'good', line: 'A new document: nothing is written yet', said: fault }
      const line = truth.settled
        ? 'All changes are on the server'
        : join(savedWords(truth), unsentWords(truth))
      return { tone: 'good', line: join(line, fault), said: join(line, fault) }
    }
  }
}

const savedWords = (truth: Truth): string => (truth.saved ? 'Saved on this device' : 'Saving on this device…')
const unsentWords = (truth: Truth): string =>
  truth.unsent > 0 ? `${count(truth.unsent, 'edit')} not yet on the server` : ''
const join = (...parts: string[]): string => parts.filter(Boolean).join(' · ')
