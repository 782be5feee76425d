/** Holdfast's client: `connect` and the types of what it returns. */

export type { Change, Content } from '../ops/change.ts'
export { HoldfastError } from '../ops/errors.ts'
export type { Name } from '../ops/identity.ts'
export type { TypeName } from '../types/type.ts'
export type {
  ChangeEvent,
  Client,
  ClientEvents,
  Doc,
  DocEvents,
  HeldEdit,
  KnownDoc,
  Loss,
  Peer,
  Rescue,
  Status,
  StorageFacts,
  Truth,
} from './api.ts'
export { type ConnectOptions, connect } from './client.ts'
export type { Log } from './log/log.ts'
export { memoryLog } from './log/memory.ts'
