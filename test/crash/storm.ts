/**
 * Writers at a server (or its database) that is killed again and again at random moments, and what must hold after each
 * time: every token that was acknowledged stands in its document once, and none twice.
 */

import assert from 'node:assert/strict'
import { Random } from '../random.ts'
import { COLLECTION, TokenWriter } from './writer.ts'

/** What is killed: the server, or what it stands on. */
export interface Victim {
  readonly origin: string
  /** SIGKILL, and back again; resolves when it can be asked. */
  strike(): Promise<void>
}

export interface Storm {
  readonly rounds: number
  readonly seed: number
  readonly docs: number
  readonly writers: number
}

export interface Damage {
  readonly strikes: number
  readonly acked: number
  /** Acks for edits whose first ack was lost. */
  readonly again: number
  /** Edits that were told to come later. */
  readonly refused: number
}

const TOKEN = /<[^>]*>/g

/** Throws what did not hold. */
export async function rage(victim: Victim, { rounds, seed, docs, writers }: Storm): Promise<Damage> {
  const random = new Random(seed)
  let wake = () => {}
  const all = Array.from({ length: docs * writers }, (_, i) => {
    const doc = `doc${i % docs}`
    return {
      doc,
      writer: new TokenWriter(
        doc,
        `${doc}-w${Math.floor(i / docs)}`,
        () => victim.origin,
        () => wake(),
      ),
    }
  })
  const sum = (of: (writer: TokenWriter) => number) =>
    all.reduce((total, { writer }) => total + of(writer), 0)
  const acks = () => sum(({ acked }) => acked.length)
  const until = (count: number) =>
    new Promise<void>(resolve => {
      const fault = () => all.some(({ writer }) => writer.fault)
      wake = () => void ((acks() >= count || fault()) && resolve())
      wake()
    })
  // The first of each document creates it before the others come.
  for (const { writer } of all.slice(0, docs)) writer.start()
  await until(docs)
  for (const { writer } of all.slice(docs)) writer.start()
  try {
    for (let round = 0; round < rounds; round++) {
      await until(acks() + 1 + random.int(300))
      await victim.strike()
      await checkTokens(victim, all)
    }
    await until(acks() + 50)
    await Promise.all(all.map(({ writer }) => writer.stop()))
  } finally {
    for (const { writer } of all) writer.drop()
  }
  await checkTokens(victim, all)
  return {
    strikes: rounds,
    acked: acks(),
    again: sum(({ again }) => again),
    refused: sum(({ refused }) => refused),
  }
}

/** Each token that was acknowledged is there once, no other twice, and nothing else. */
export async function checkTokens(
  { origin }: Pick<Victim, 'origin'>,
  all: readonly { doc: string; writer: TokenWriter }[],
): Promise<void> {
  for (const doc of new Set(all.map(each => each.doc))) {
    const own = all.filter(each => each.doc === doc).map(({ writer }) => writer)
    for (const { fault } of own) if (fault) throw fault
    const acked = own.flatMap(writer => writer.acked)
    const response = await fetch(`${origin}/v1/docs/${COLLECTION}/${doc}`)
    assert.equal(response.status, 200, `${doc} is not there`)
    const { data } = (await response.json()) as { data: string }
    const found = data.match(TOKEN) ?? []
    const counts = new Map<string, number>()
    for (const token of found) counts.set(token, (counts.get(token) ?? 0) + 1)
    for (const token of acked) assert.equal(counts.get(token), 1, `${token} was acknowledged`)
    assert.equal(counts.size, found.length, 'no token stands twice')
    assert.equal(found.join('').length, data.length, 'nothing else is there')
  }
}
