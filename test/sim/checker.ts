/**
 * What must be true of a world that has come to rest (the invariants of the laws L1 to L6), told from the op log, the
 * snapshot, the devices and the ledger alone: it trusts nothing that the code under test says of itself.
 */

import { absent, applyChange, type Content } from '../../ops/change.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import type { StoredOp } from '../../server/store/store.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { typeOf } from '../../types/index.ts'
import { COLLECTION, ID } from './device.ts'
import { tokensOf } from './edits.ts'
import type { World } from './world.ts'

export interface Outcome {
  readonly tokens: number
  readonly held: number
  readonly versions: number
  readonly counts: Readonly<World['counts']>
  readonly traffic: Readonly<World['network']['traffic']>
}

export const KEY = { collection: COLLECTION, id: ID }

/** Throws an error that names the invariant; its message says what was found. */
export async function check(world: World): Promise<Outcome> {
  if (world.ledger.faults.length > 0) fail('I0', `a log failed: ${world.ledger.faults[0]}`)
  const ops = await world.site.ops(KEY)
  checkVersions(ops)
  checkNames(ops)
  const where = tokensInLog(ops)
  checkRest(world)
  const replayed = replay(ops)
  await checkEqual(world, replayed)
  await checkDatabase(world)
  const held = new Map(world.devices.map(device => [device.name, device.held()]))
  checkTokens(world, where, held)
  checkOrder(world, where)
  checkPresent(world, where, replayed)
  if (world.site.reports.length > 0) fail('I0', `the server reported: ${world.site.reports.join('; ')}`)
  return {
    tokens: world.ledger.entries.length,
    held: [...held.values()].reduce((sum, list) => sum + list.length, 0),
    versions: ops.length,
    counts: world.counts,
    traffic: world.network.traffic,
  }
}

/** I5: versions have no gap. */
function checkVersions(ops: readonly StoredOp[]): void {
  ops.forEach((op, i) => {
    if (op.v !== i) fail('I5', `op ${i} of the log has version ${op.v}`)
  })
}

/** I1: no name twice. */
function checkNames(ops: readonly StoredOp[]): void {
  const names = new Set(ops.map(op => `${op.src}:${op.seq}`))
  if (names.size !== ops.length) fail('I1', `${ops.length} ops carry ${names.size} names`)
}

/** The versions whose ops brought each token. */
function tokensInLog(ops: readonly StoredOp[]): Map<number, number[]> {
  const where = new Map<number, number[]>()
  for (const op of ops) {
    for (const token of tokensOf(op.op ?? op.create?.data)) {
      const versions = where.get(token) ?? []
      versions.push(op.v)
      where.set(token, versions)
    }
  }
  return where
}

/** I9: everything came to rest by itself. */
function checkRest({ devices }: World): void {
  for (const { name, doc } of devices) {
    if (!doc) fail('I9', `${name} never opened the document`)
    const { status, unsent } = doc!
    if (unsent > 0 || (status !== 'synced' && status !== 'held'))
      fail('I9', `${name} is ${status} with ${unsent} unsent edits`)
  }
}

function replay(ops: readonly StoredOp[]): Content {
  let content: Content = absent
  for (const op of ops) {
    if (op.create)
      content = applyChange(content, { create: { type: typeOf(op.create.type).name, data: op.create.data } })
    else content = applyChange(content, op.del ? { del: true } : { op: op.op })
  }
  return content
}

/** I3: the clients, the snapshot and the replay are equal. */
async function checkEqual({ devices, site, type }: World, replayed: Content): Promise<void> {
  const snapshot = await site.store.snapshot(KEY)
  const { equalDocs } = typeOf(type)
  if ((snapshot.type === null) !== (replayed.type === null))
    fail('I3', 'the snapshot and the replay disagree on existence')
  if (replayed.type !== null && !equalDocs(snapshot.data, replayed.data))
    fail('I3', 'the snapshot is not what its ops make')
  for (const { name, doc } of devices) {
    if (doc!.truth.exists !== (replayed.type !== null))
      fail('I3', `${name} and the server disagree on existence`)
    const { data } = doc!
    if (replayed.type !== null && !equalDocs(data, replayed.data)) {
      fail('I3', `${name} has ${JSON.stringify(data)}, the server ${JSON.stringify(replayed.data)}`)
    }
  }
}

/** The chain, the ledger, packs, rungs and snapshots are those of the log. */
async function checkDatabase({ site }: World): Promise<void> {
  const engine = openSqliteEngine({ path: site.path })
  const finding = await verifyStore(engine)
  await engine.close()
  if (finding.kind === 'differs') fail('I3', `the database is not sound: ${finding.message}`)
}

/** I1, I2, I6: each token once in the log or once in its device's held list; the unsaved and the undone may be gone. */
function checkTokens({ ledger }: World, where: Map<number, number[]>, held: Map<string, number[]>): void {
  ledger.entries.forEach((entry, token) => {
    if (entry.undone) return
    const logged = where.get(token)?.length ?? 0
    const kept = held.get(entry.device)!.filter(each => each === token).length
    const said = `token ${token} of ${entry.device} (${entry.acked ? 'acked' : entry.saved ? 'saved' : 'unsaved'})`
    if (logged > 1) fail('I1', `${said} is in the log ${logged} times, at ${where.get(token)}`)
    if (logged + kept > 1) fail('I2', `${said} is both in the log and held`)
    if (entry.acked && logged === 0 && kept === 0) fail('I1', `${said} is not in the log`)
    if (entry.saved && logged + kept === 0) fail('I2', `${said} is neither in the log nor held`)
  })
  for (const token of where.keys())
    if (!ledger.entries[token]) fail('I6', `token ${token} is in the log but nobody wrote it`)
}

/** I4: the edits of one device are in the log in the order in which they were made. */
function checkOrder({ ledger }: World, where: Map<number, number[]>): void {
  const last = new Map<string, number>()
  ledger.entries.forEach(({ device, undone }, token) => {
    const version = where.get(token)?.[0]
    if (version === undefined || undone) return
    if (version < (last.get(device) ?? 0))
      fail('I4', `token ${token} of ${device} is in the log before an earlier one`)
    last.set(device, version)
  })
}

/** I7: what is in the log and was not taken away is in the document, once. */
function checkPresent({ ledger }: World, where: Map<number, number[]>, replayed: Content): void {
  const present = replayed.type === null ? [] : tokensOf(replayed.data)
  if (new Set(present).size !== present.length) fail('I1', `a token stands twice in the document: ${present}`)
  const shown = new Set(present)
  if (ledger.deletions > 0) return
  for (const token of where.keys()) {
    if (!shown.has(token) && !ledger.entries[token]!.deleted)
      fail('I7', `token ${token} is in the log but not in the document`)
  }
}

function fail(invariant: string, message: string): never {
  throw new Error(`${invariant}: ${message}`)
}
