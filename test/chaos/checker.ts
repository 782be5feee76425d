/**
 * What must hold when a scenario is over: the evidence of people, frames and pages against the op log of the server. Pure.
 *
 * I1 each acked token once in the op log, no name twice   I2 each saved token in the log or held where a person sees it,
 *    or the scenario ruined its database and the person was told how many are lost at the most; and no false alarm
 * I3 pages, snapshot and replay equal                     I4 the order of each page's edits
 * I5 versions without a gap                               I6 nothing that nobody wrote
 * I7 what the log brought is in the document (nobody deletes but the whole of it)
 * I10 something was done
 * E1 one hub of a device at a time: none writes under its name once another has begun
 */

import { absent, applyChange, type Change, type Content } from '../../ops/change.ts'
import type { StoredOp } from '../../server/store/store.ts'
import { typeOf } from '../../types/index.ts'
import { tokensOf } from '../sim/edits.ts'
import type { Entry } from './ledger.ts'

/** A page as it stands in the end. */
export interface Standing {
  readonly name: string
  readonly exists: boolean
  readonly data: unknown
  readonly held: readonly number[]
}

export interface Evidence {
  /** By token: what was written into the document. */
  readonly entries: ReadonlyMap<number, Entry>
  readonly pages: readonly Standing[]
  readonly ops: readonly StoredOp[]
  readonly snapshot: { readonly type: string | null; readonly data: unknown }
  /** By device: how many edits its people were told are lost. */
  readonly told: ReadonlyMap<string, number>
}

export interface Sum {
  readonly tokens: number
  readonly saved: number
  readonly acked: number
  readonly held: number
  /** Saved in a database that the scenario ruined, and in neither log nor list. */
  readonly lost: number
  /** Edits that people were told are lost, at the most. */
  readonly told: number
  readonly versions: number
}

/** Throws an error that begins with the invariant. */
export function check(evidence: Evidence): Sum {
  const { entries, ops } = evidence
  checkOps(ops)
  const { end, brought } = replay(ops)
  const where = versionsOf(brought)
  for (const token of where.keys()) if (!entries.has(token)) fail('I6', `nobody wrote token ${token}`)
  checkEqual(evidence, end)
  checkOrder(entries, where)
  checkHubs(entries, ops, brought)
  const sum = checkTokens(evidence, where)
  checkTold(evidence, where)
  if (sum.tokens === 0 || sum.versions === 0) fail('I10', 'nothing was written')
  return sum
}

function checkOps(ops: readonly StoredOp[]): void {
  ops.forEach((op, i) => {
    if (op.v !== i) fail('I5', `op ${i} of the log has version ${op.v}`)
  })
  const names = new Set(ops.map(op => `${op.src}:${op.seq}`))
  if (names.size !== ops.length) fail('I1', `${ops.length} ops carry ${names.size} names`)
}

/** What the ops make, and the tokens that each of them brought: a difference may take one away and put it back. */
function replay(ops: readonly StoredOp[]): { end: Content; brought: number[][] } {
  let end: Content = absent
  const brought = ops.map(op => {
    const before = tokensIn(end)
    end = applyChange(end, changeOf(op))
    return tokensIn(end).filter(token => {
      const place = before.indexOf(token)
      return place < 0 || !before.splice(place, 1)
    })
  })
  return { end, brought }
}

function changeOf({ create, del, op }: StoredOp): Change {
  if (create) return { create: { type: typeOf(create.type).name, data: create.data } }
  return del ? { del: true } : { op }
}

const tokensIn = (content: Content): number[] => (content.type === null ? [] : tokensOf(content.data))

/** The versions whose ops brought each token; a token that one op brings twice counts twice. */
function versionsOf(brought: readonly number[][]): Map<number, number[]> {
  const where = new Map<number, number[]>()
  brought.forEach((tokens, v) => {
    for (const token of tokens) where.set(token, [...(where.get(token) ?? []), v])
  })
  return where
}

function checkEqual({ pages, snapshot }: Evidence, replayed: Content): void {
  const present = snapshot.type !== null
  if (present !== (replayed.type !== null)) fail('I3', 'snapshot and replay disagree on existence')
  for (const page of pages)
    if (page.exists !== present) fail('I3', `${page.name} and the server disagree on existence`)
  if (snapshot.type === null) return
  const { equalDocs } = typeOf(snapshot.type)
  if (!equalDocs(snapshot.data, replayed.type === null ? null : replayed.data))
    fail('I3', 'the snapshot is not what its ops make')
  for (const { name, data } of pages) {
    if (!equalDocs(data, snapshot.data))
      fail('I3', `${name} has ${tokensOf(data)}, the server ${tokensOf(snapshot.data)}`)
  }
}

function checkOrder(entries: Evidence['entries'], where: ReadonlyMap<number, number[]>): void {
  const last = new Map<string, number>()
  entries.forEach(({ by }, token) => {
    const version = where.get(token)?.[0]
    if (version === undefined) return
    if (version < (last.get(by) ?? 0))
      fail('I4', `token ${token} of ${by} is in the log before an earlier one`)
    last.set(by, version)
  })
}

/** A queue is sent in order, whoever sends it, so the names of a device's hubs stand one after the other in the log. */
function checkHubs(
  entries: Evidence['entries'],
  ops: readonly StoredOp[],
  brought: readonly number[][],
): void {
  const reigns = new Map<string, string[]>()
  for (const op of ops) {
    const [token] = brought[op.v]!
    if (token === undefined) continue
    const { device } = entries.get(token)!
    const srcs = reigns.get(device) ?? []
    reigns.set(device, srcs)
    if (srcs.at(-1) === op.src) continue
    if (srcs.includes(op.src!)) fail('E1', `hub ${op.src} of ${device} wrote after the next one had begun`)
    srcs.push(op.src!)
  }
}

const heldOn = (pages: readonly Standing[]) => new Set(pages.flatMap(page => page.held))

function checkTokens({ entries, pages, ops, snapshot, told }: Evidence, where: Map<number, number[]>): Sum {
  const held = heldOn(pages)
  const shown = tokensOf(snapshot.type === null ? null : snapshot.data)
  if (new Set(shown).size !== shown.length) fail('I1', `a token stands twice in the document: ${shown}`)
  const created = ops.findLastIndex(op => op.create)
  let lost = 0
  entries.forEach((entry, token) => {
    const logged = where.get(token)?.length ?? 0
    const said = `token ${token} of ${entry.by}`
    if (logged > 1) fail('I1', `${said} is in the log ${logged} times, at ${where.get(token)}`)
    if (logged > 0 && held.has(token)) fail('I2', `${said} is both in the log and held`)
    if (entry.acked && logged === 0) fail('I1', `${said} was acked and is not in the log`)
    if (snapshot.type !== null && logged > 0 && where.get(token)![0]! >= created && !shown.includes(token))
      fail('I7', `${said} is in the log and not in the document`)
    if (logged > 0 || held.has(token) || !(entry.saved || entry.settled)) return
    if (!entry.ruined) fail('I2', `${said} was shown as ${entry.saved ? 'saved' : 'settled'}, and is nowhere`)
    lost++
  })
  const all = [...entries.values()]
  return {
    tokens: all.length,
    saved: all.filter(({ saved }) => saved).length,
    acked: all.filter(({ acked }) => acked).length,
    held: held.size,
    lost,
    told: [...told.values()].reduce((sum, edits) => sum + edits, 0),
    versions: ops.length,
  }
}

/**
 * The canary knows the number of edits "at the most": of the tokens of a device that nobody else had, all that are gone must
 * be among those told, and no more may be told than there were. The creation of the document is one that has no token.
 */
function checkTold({ entries, pages, told }: Evidence, where: ReadonlyMap<number, number[]>): void {
  const held = heldOn(pages)
  for (const device of new Set([...[...entries.values()].map(entry => entry.device), ...told.keys()])) {
    const ruined = [...entries.entries()].filter(([, entry]) => entry.device === device && entry.ruined)
    const lost = ruined.filter(([token, { saved }]) => saved && !where.has(token) && !held.has(token)).length
    const edits = told.get(device) ?? 0
    if (edits < lost) fail('I2', `${lost} edits are lost on ${device}, and its people were told of ${edits}`)
    if (edits > 0 && lost === 0) fail('I2', `${edits} edits of ${device} are told to be lost, and none is`)
    if (edits > ruined.length + 1)
      fail('I2', `${edits} edits of ${device} are told to be lost, of ${ruined.length} that could be`)
  }
}

function fail(invariant: string, message: string): never {
  throw new Error(`${invariant}: ${message}`)
}
