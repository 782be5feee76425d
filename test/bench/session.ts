/**
 * One session of a system: a server process and a client process that have merged nothing yet, and some documents.
 * The merge of the first document is the cold one, those after it are warm.
 *
 *   create, open, cut the line -> the server commits its branch -> the client makes its own -> merge
 *
 * All documents are prepared before the first merge, so that between two merges nothing else runs.
 */

import type { Branches } from './branches.ts'
import type { Kind } from './content.ts'
import type { ClientCalls, Merge } from './peers/client.ts'
import { Peer } from './process.ts'
import { hookArguments, profiled } from './profile.ts'
import type { Server, System } from './systems.ts'

export interface SessionPlan {
  readonly system: System
  readonly kind: Kind
  readonly branches: Branches
  readonly documents: number
  /** The longest a merge may take, in ms. */
  readonly limitMs: number
  /** Prints where the time of each merge goes. */
  readonly profile: boolean
}

export interface Sample extends Merge {
  /** What the client's branch took to make, in ms. */
  readonly editMs: number
  /** Of the merged document, whatever order ties were broken in. */
  readonly letters: string
}

/** One sample a document, in order; throws `TookTooLong`, or when the two sides end different. */
export async function runSession(plan: SessionPlan): Promise<Sample[]> {
  const node = plan.profile ? hookArguments : []
  const server = await plan.system.start(plan.kind, node)
  const client = new Peer<ClientCalls>(plan.system.client, node)
  try {
    const prepared = await prepare(plan, server, client)
    const samples: Sample[] = []
    for (const { id, editMs } of prepared)
      samples.push({ editMs, ...(await merge(plan, server, client, id)) })
    return samples
  } finally {
    await client.stop()
    await server.stop()
  }
}

async function prepare(
  { kind, branches, documents }: SessionPlan,
  server: Server,
  client: Peer<ClientCalls>,
) {
  const ids = Array.from({ length: documents }, (_, index) => `document-${index}`)
  await client.ask('setup', { url: server.url, kind, branch: branches.client })
  for (const id of ids) {
    await server.create(id, branches.base)
    await client.ask('open', id)
  }
  await Promise.all(ids.map(id => server.advance(id, branches.server)))
  const prepared: { id: string; editMs: number }[] = []
  for (const id of ids) prepared.push({ id, editMs: await client.ask('edit', id) })
  return prepared
}

async function merge(
  { system, limitMs, profile }: SessionPlan,
  server: Server,
  client: Peer<ClientCalls>,
  id: string,
) {
  const work = () => client.ask('merge', id, limitMs)
  const merged = profile ? await profiled({ client: client.child, server: server.child }, work) : await work()
  const [here, there] = [await client.ask('content', id), await server.content(id)]
  if (here.hash !== there.hash) {
    throw new Error(
      `${system.name}: client (${here.length} units) and server (${there.length} units) ended different`,
    )
  }
  await client.ask('close', id)
  return { ...merged, letters: here.letters }
}
