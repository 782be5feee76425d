/**
 * What must hold when a scenario is over: the evidence of people, frames and pages against the op log of the server. Pure.
 *
 * I1 each acked token once in the op log, no name twice   I2 each saved token in the log or held where a person sees it
 * I3 pages, snapshot and replay equal                     I4 the order of each page's edits
 * I5 versions without a gap                               I6 nothing that nobody wrote
 * I7 what the log brought is in the document (nobody deletes but the whole of it)
 * I10 something was done
 * E1 one hub of a device at a time: none writes under its name once another has begun
 */

import { absent, applyChange, type Content } from '../../ops/change.ts'
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
  /** Devices whose people were told that something of theirs cannot be kept, or is gone. */
  readonly told: ReadonlySet<string>
}

export interface Sum {
  readonly tokens: number
  readonly saved: number
  readonly acked: number
  readonly held: number
  /** Saved in a database that the scenario ruined, and in neither log nor list; of these, on devices that say so. */
  readonly lost: number
  readonly lostAndTold: number
  readonly versions: number
}

/** Throws an error that begins with the invariant. */
export function check(evidence: Evidence): Sum {
  const { entries, ops } = evidence
  checkOps(ops)
  const where = versionsOf(ops)
  for (const token of where.keys()) if (!entries.has(token)) fail('I6', `nobody wrote token ${token}`)
  checkEqual(evidence, replay(ops))
  checkOrder(entries, where)
  checkHubs(entries, ops)
  const sum = checkTokens(evidence, where)
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

const broughtBy = (op: StoredOp): number[] => tokensOf(op.op ?? op.create?.data)

/** The versions whose ops brought each token; a token that one op brings twice counts twice. */
function versionsOf(ops: readonly StoredOp[]): Map<number, number[]> {
  const where = new Map<number, number[]>()
  for (const op of ops)
    for (const token of broughtBy(op)) where.set(token, [...(where.get(token) ?? []), op.v])
  return where
}

export function replay(ops: readonly StoredOp[]): Content {
  return ops.reduce<Content>((content, { create, del, op }) => {
    if (create) return applyChange(content, { create: { type: typeOf(create.type).name, data: create.data } })
    return applyChange(content, del ? { del: true } : { op })
  }, absent)
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
function checkHubs(entries: Evidence['entries'], ops: readonly StoredOp[]): void {
  const reigns = new Map<string, string[]>()
  for (const op of ops) {
    const [token] = broughtBy(op)
    if (token === undefined) continue
    const { device } = entries.get(token)!
    const srcs = reigns.get(device) ?? []
    reigns.set(device, srcs)
    if (srcs.at(-1) === op.src) continue
    if (srcs.includes(op.src!)) fail('E1', `hub ${op.src} of ${device} wrote after the next one had begun`)
    srcs.push(op.src!)
  }
}

function checkTokens({ entries, pages, ops, snapshot, told }: Evidence, where: Map<number, number[]>): Sum {
  const held = new Set(pages.flatMap(page => page.held))
  const shown = tokensOf(snapshot.type === null ? null : snapshot.data)
  if (new Set(shown).size !== shown.length) fail('I1', `a token stands twice in the document: ${shown}`)
  const created = ops.findLastIndex(op => op.create)
  let [lost, lostAndTold] = [0, 0]
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
    if (told.has(entry.device)) lostAndTold++
  })
  const all = [...entries.values()]
  return {
    tokens: all.length,
    saved: all.filter(({ saved }) => saved).length,
    acked: all.filter(({ acked }) => acked).length,
    held: held.size,
    lost,
    lostAndTold,
    versions: ops.length,
  }
}

function fail(invariant: string, message: string): never {
  throw new Error(`${invariant}: ${message}`)
}
