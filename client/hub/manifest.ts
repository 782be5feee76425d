/**
 * What this device tells the server of itself: how many edits it has that are not about to arrive, because they are held or
 * cannot be sent. Where a browser loses the log and the note beside it (canary.ts), the server can still say so [Q13].
 *
 *   down  --up-->  asking  --answer-->  telling  --down-->  down
 *
 * Edits that flow are not worth a write on the server: told is the least that there was over a pause.
 */

import type { ClientFrame, DeviceAnswer } from '../../ops/protocol.ts'
import type { Clock } from '../clock.ts'

/** Between two counts that are told (ms). */
const PAUSE_MS = 5_000

export interface ManifestParts {
  readonly clock: Clock
  readonly log: string
  /** Empty for a log that keeps nothing: it has nothing to lose. */
  readonly device: string
  send(frame: ClientFrame): unknown
  /** A former device in this place is gone, and had this with it. */
  lost(lost: NonNullable<DeviceAnswer['lost']>): void
}

export class Manifest {
  readonly #parts: ManifestParts
  #phase: 'down' | 'asking' | 'telling' = 'down'
  #edits = 0
  /** Of `#edits`, since it was told last. */
  #least = 0
  /** What the server has noted. */
  #told = 0
  #cancel: (() => void) | null = null

  constructor(parts: ManifestParts) {
    this.#parts = parts
  }

  /** There is a server, which keeps manifests. */
  up(): void {
    if (this.#parts.device === '') return
    this.#phase = 'asking'
    this.#send()
  }

  down(): void {
    this.#phase = 'down'
    this.#cancel?.()
    this.#cancel = null
  }

  heard({ edits, lost }: DeviceAnswer): void {
    if (this.#phase !== 'asking') return
    this.#phase = 'telling'
    this.#least = this.#edits
    this.#told = edits
    if (lost) {
      this.#parts.lost(lost)
      this.#send(0)
    }
    this.#plan()
  }

  /** So many edits are unsent or held now. */
  counted(edits: number): void {
    this.#edits = edits
    this.#least = Math.min(this.#least, edits)
    this.#plan()
  }

  #plan(): void {
    if (this.#phase === 'telling' && this.#edits !== this.#told)
      this.#cancel ??= this.#parts.clock.after(PAUSE_MS, () => this.#tell())
  }

  #tell(): void {
    this.#cancel = null
    if (this.#least !== this.#told) this.#send(this.#least)
    this.#least = this.#edits
    this.#plan()
  }

  #send(edits?: number): void {
    const { log, device } = this.#parts
    if (edits !== undefined) this.#told = edits
    this.#parts.send({ a: 'h.device', log, device, ...(edits !== undefined && { edits }) })
  }
}
