/**
 * What must be true of a world that has come to rest: the invariants I1 to I9, told from the op log, the snapshots, what
 * the tabs show and the ledger alone. It trusts nothing that the code under test says of itself. I10, that the run did
 * something, is asked of many runs at once (floors.ts); I8 and that no src is used twice are noted as they happen.
 *
 *   I0 nothing fails that was given no reason to      I5 versions gapless
 *   I1 each acked edit in the op log, once            I6 nothing that nobody wrote
 *   I2 each saved edit in the op log or held          I7 what is in the log and was not taken away is shown
 *   I3 all that is shown is equal                     I8 nobody is sent what it did not open
 *   I4 edits of one tab keep their order              I9 all comes to rest by itself
 */

import type { Doc } from '../../client/api.ts'
import { absent, applyChange, type Content } from '../../ops/change.ts'
import { openSqliteEngine } from '../../server/store/sqlite/engine.ts'
import type { StoredOp } from '../../server/store/store.ts'
import { verifyStore } from '../../server/store/verify.ts'
import { typeOf } from '../../types/index.ts'
import type { Browser } from './browser.ts'
import { tokensOf } from './edits.ts'
import type { Entry } from './ledger.ts'
import { COLLECTION, heldIn, saysItFails } from './page.ts'
import type { World } from './world.ts'

export interface Outcome {
  /** What there was and what happened, by name. */
  readonly counts: Readonly<Record<string, number>>
}

interface Shown {
  readonly browser: Browser
  readonly doc: Doc
}

interface State {
  readonly content: Content
  readonly tokens: readonly number[]
}

/** A document at the end: its history, and who shows it. */
interface Case {
  readonly id: string
  readonly ops: readonly StoredOp[]
  /** After each of them. */
  readonly states: readonly State[]
  /** The version whose op brought each token first. */
  readonly where: ReadonlyMap<number, number>
  readonly replayed: Content
  readonly shown: readonly Shown[]
}

/** Throws an error that names the invariant; its message says what was found. */
export async function check(world: World): Promise<Outcome> {
  const { ledger, site, network, exchange, counts } = world
  const [fault] = ledger.faults
  if (fault) throw new Error(fault)
  if (site.reports.length > 0) fail('I0', `the server reported: ${site.reports.join('; ')}`)
  checkRest(world)
  checkTruth(world)
  let versions = 0
  let held = 0
  const where = new Map<number, number | undefined>()
  for (const { id } of world.keys) {
    const doc = await caseOf(world, id)
    versions += doc.ops.length
    held += doc.shown.reduce((sum, { doc }) => sum + doc.held.length, 0)
    checkVersions(doc)
    checkNames(doc, world)
    checkHistory(doc, world)
    await checkEqual(doc, world)
    checkTokens(doc, world)
    checkOrder(doc, world)
    for (const [token, version] of doc.where) where.set(token, site.committed.get(`${id} ${version}`))
  }
  checkLinks(where, world)
  await checkDatabase(world)
  const tabs = world.browsers.reduce((sum, { pages }) => sum + pages.length, 0)
  const made = { tokens: ledger.entries.length, versions, held, tabs, hubs: ledger.srcs.size }
  return { counts: { ...made, ...ledger.met, ...counts, ...exchange, ...network.traffic } }
}

async function caseOf({ site, browsers }: World, id: string): Promise<Case> {
  const ops = await site.ops({ collection: COLLECTION, id })
  const states = statesOf(ops)
  const where = new Map<number, number>()
  for (const [v, { tokens }] of states.entries())
    for (const token of tokens) if (!where.has(token)) where.set(token, v)
  const shown = browsers.flatMap(browser =>
    browser.views.filter(view => view.id === id).map(({ doc }) => ({ browser, doc })),
  )
  return { id, ops, states, where, replayed: states.at(-1)?.content ?? absent, shown }
}

/** The document after each op. */
function statesOf(ops: readonly StoredOp[]): State[] {
  let content: Content = absent
  return ops.map(op => {
    if (op.create)
      content = applyChange(content, { create: { type: typeOf(op.create.type).name, data: op.create.data } })
    else content = applyChange(content, op.del ? { del: true } : { op: op.op })
    return { content, tokens: content.type === null ? [] : tokensOf(content.data) }
  })
}

/** I9: everything came to rest by itself. */
function checkRest(world: World): void {
  for (const { name, docs, views } of world.browsers) {
    for (const id of docs) if (!views.some(view => view.id === id)) fail('I9', `${name} never opened ${id}`)
    for (const { id, doc } of views) {
      const { status, unsent, truth } = doc
      const said = `${name} is ${status} in ${id} with ${unsent} unsent edits`
      if (world.barred(doc)) {
        if (status !== (unsent + truth.held > 0 ? 'held' : 'offline')) fail('I9', `${said}, but barred`)
      } else if (unsent > 0 || status !== (truth.held > 0 ? 'held' : 'synced')) fail('I9', said)
    }
  }
}

/** I0: a device says that it saves nothing if and only if it is so. */
function checkTruth({ browsers }: World): void {
  for (const { name, views, storage } of browsers) {
    for (const { id, doc } of views) {
      const fails = saysItFails(doc)
      if (fails !== storage.failing)
        fail(
          'I0',
          `${name} says of ${id} that its log ${fails ? `fails: ${doc.truth.error?.message}` : 'works'}`,
        )
    }
  }
}

/** I5: versions have no gap. */
function checkVersions({ id, ops }: Case): void {
  ops.forEach((op, i) => {
    if (op.v !== i) fail('I5', `op ${i} of ${id} has version ${op.v}`)
  })
}

/** I1: no name twice, and each that was acknowledged is there; a server that went back has lost some. */
function checkNames({ id, ops }: Case, { ledger, restored }: World): void {
  const names = new Set(ops.map(op => `${op.src}:${op.seq}`))
  if (names.size !== ops.length) fail('I1', `${ops.length} ops of ${id} carry ${names.size} names`)
  for (const name of ledger.acks.get(id) ?? [])
    if (!restored && !names.has(name)) fail('I1', `${name} was acknowledged and is not in the log of ${id}`)
}

/**
 * I1, I7: no token stands in a document twice, comes in twice, or goes, unless a person wanted it so: it goes where somebody
 * took it away or its device undid it, and comes again where one of those devices took that back.
 */
function checkHistory({ id, ops, states }: Case, { ledger, browsers }: World): void {
  const undoes = (family: string | undefined) => ledger.undoers.has(`${family} ${id}`)
  // Copies of a device, and hubs that know nothing of what a former one did, have the same to take back.
  const memories = (family: string) =>
    browsers.reduce((sum, each) => sum + (each.family === family ? 1 + each.storage.lapses : 0), 0)
  const seen = new Set<number>()
  let before: readonly number[] = []
  for (const [v, { tokens }] of states.entries()) {
    const author = ledger.authors.get(ops[v]!.src!)
    const said = (token: number) => `token ${token} of ${ledger.entries[token]?.device}`
    for (const token of new Set(tokens)) {
      const entry = ledger.entries[token]
      if (!entry) continue
      const hands = new Set([entry.family, ...entry.deletedBy].filter(undoes))
      const copies = tokens.filter(each => each === token).length
      if (copies > Math.max(1, sumOf([...hands].map(memories))))
        fail('I1', `${said(token)} stands ${copies} times in ${id} at ${v}`)
      const again = seen.has(token) && !before.includes(token)
      if (again && !hands.has(author!)) fail('I1', `${said(token)} comes into ${id} again at ${v}`)
    }
    for (const token of before) {
      const entry = ledger.entries[token]
      if (tokens.includes(token) || ops[v]!.del || !entry) continue
      const undone = entry.family === author && undoes(author)
      if (entry.deletedBy.size === 0 && !undone) fail('I7', `${said(token)} goes from ${id} at ${v}`)
    }
    for (const token of tokens) seen.add(token)
    before = tokens
  }
}

/** I3: the tabs, the snapshot and the replay are equal; a device keeps what a server that went back has lost. */
async function checkEqual({ id, replayed, shown }: Case, world: World): Promise<void> {
  const snapshot = await world.site.store.snapshot({ collection: COLLECTION, id })
  const { equalDocs } = typeOf(world.type)
  const exists = replayed.type !== null
  if ((snapshot.type !== null) !== exists)
    fail('I3', `the snapshot of ${id} and its replay disagree on existence`)
  if (exists && !equalDocs(snapshot.data, replayed.data))
    fail('I3', `the snapshot of ${id} is not what its ops make`)
  for (const { browser, doc } of shown) {
    const [first] = shown.filter(other => other.browser === browser)
    if (JSON.stringify(heldIn(doc)) !== JSON.stringify(heldIn(first!.doc)))
      fail('I3', `tabs of ${browser.name} show other held edits of ${id}`)
    if (world.barred(doc) && !world.barred(first!.doc))
      fail('I3', `tabs of ${browser.name} disagree on ${id}`)
    const truth = world.barred(doc) ? first!.doc : null
    if ((truth ? truth.truth.exists : exists) !== doc.truth.exists)
      fail('I3', `${browser.name} and the server disagree on the existence of ${id}`)
    if (doc.truth.exists && !equalDocs(doc.data, truth ? truth.data : replayed.data))
      fail('I3', `${browser.name} has ${text(doc.data)} in ${id}, the server ${text(replayed.data)}`)
  }
}

/** I3: the chain, the ledger, packs, rungs and snapshots are those of the log. */
async function checkDatabase({ site }: World): Promise<void> {
  const engine = openSqliteEngine({ path: site.path })
  const finding = await verifyStore(engine)
  await engine.close()
  if (finding.kind === 'differs') fail('I3', `the database is not sound: ${finding.message}`)
}

/**
 * I1, I2, I6: each token is in the log once, or held on its device (and on a copy of it), but not both. It may be missing
 * if nobody said that it was saved, or if it went with the storage; after a restore, its device may be the last to have it.
 */
function checkTokens({ id, where, shown }: Case, world: World): void {
  const { ledger, browsers } = world
  const held = new Map<Browser, number[]>()
  const showing = new Map<Browser, Set<number>>()
  for (const { browser, doc } of shown) {
    held.set(browser, heldIn(doc))
    showing.set(browser, new Set(tokensOf(doc.data)))
  }
  const homes = new Map<string, Browser[]>()
  for (const browser of browsers) homes.set(browser.family, [...(homes.get(browser.family) ?? []), browser])
  ledger.entries.forEach((entry, token) => {
    if (entry.doc !== id) return
    const family = homes.get(entry.family)!
    const isLogged = where.has(token)
    const kept = family.map(browser => held.get(browser)?.filter(each => each === token).length ?? 0)
    const state = [
      entry.saved ? 'saved' : 'unsaved',
      entry.settled && 'settled',
      entry.destroyed && 'destroyed',
    ]
    const said = `token ${token} of ${entry.device} in ${id} (${state.filter(Boolean).join(', ')})`
    // What was redone may be held as well: as the edit that it was first, and as the one that made it again.
    const once = !ledger.undoers.has(`${entry.family} ${id}`)
    if (once && kept.some(count => count > 1)) fail('I2', `${said} is held twice`)
    const isHeld = kept.some(count => count > 0)
    // Two copies of a device may send different edits under one name: the second is held, with what it has in common.
    if (isLogged && isHeld && family.length === 1 && once) fail('I2', `${said} is both in the log and held`)
    if (isLogged || isHeld || entry.destroyed || entry.undone || entry.decided === 'discard') return
    if (ledger.rolledBack.has(token) && mayBeGone(entry, token, showing, world)) return
    if (entry.settled) fail('I1', `${said} is neither in the log nor held`)
    if (entry.saved) fail('I2', `${said} is neither in the log nor held`)
  })
  for (const token of where.keys())
    if (ledger.entries[token]?.doc !== id)
      fail('I6', `token ${token} is in the log of ${id} but nobody wrote it`)
}

/** What the server has lost by going back is where it is shown, unless it was taken away, or its device never saved it. */
function mayBeGone(
  entry: Entry,
  token: number,
  showing: ReadonlyMap<Browser, ReadonlySet<number>>,
  { ledger, browsers }: World,
): boolean {
  if (entry.deletedBy.size > 0 || ledger.deletions.has(entry.doc)) return true
  if (browsers.some(browser => showing.get(browser)?.has(token))) return true
  const home = browsers.find(({ name }) => name === entry.device)!
  return !entry.saved && home.storage.troubled
}

/**
 * I4: what was written through one handle is in the log in the order in which it was made; what was taken back before it was
 * sent comes later, if it is made again.
 */
function checkOrder({ id, where }: Case, { ledger }: World): void {
  const last = new Map<number, number>()
  ledger.entries.forEach(({ device, doc, handle, undone, decided }, token) => {
    const version = doc === id && !undone && !decided ? where.get(token) : undefined
    if (version === undefined) return
    if (version < (last.get(handle) ?? 0))
      fail('I4', `token ${token} of ${device} is in the log of ${id} before an earlier one`)
    last.set(handle, version)
  })
}

/**
 * I4: what leads to another document was committed after what that document had then, if a person did not decide otherwise, and
 * that was not lost with a damaged storage that never had it.
 */
function checkLinks(
  where: ReadonlyMap<number, number | undefined>,
  { ledger, restored, browsers }: World,
): void {
  if (restored) return
  const troubled = new Set(browsers.flatMap(({ name, storage }) => (storage.troubled ? [name] : [])))
  for (const { token, after } of ledger.links) {
    const entry = ledger.entries[token]!
    const at = where.get(token)
    if (at === undefined || entry.undone || entry.decided) continue
    for (const other of after) {
      const { undone, decided, destroyed, deletedBy, device, saved } = ledger.entries[other]!
      if (undone || decided || destroyed || deletedBy.size > 0) continue
      const before = where.get(other)
      if (before === undefined && !saved && troubled.has(device)) continue
      if (before === undefined || before > at)
        fail('I4', `token ${token} of ${device} was committed before token ${other}, to which it leads`)
    }
  }
}

const sumOf = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)

const text = (data: unknown) => JSON.stringify(data)

function fail(invariant: string, message: string): never {
  throw new Error(`${invariant}: ${message}`)
}
