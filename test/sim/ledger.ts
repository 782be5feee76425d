/** What the world has been told: who wrote which token, and which were said to be saved and acknowledged. */

export interface Entry {
  readonly device: string
  saved: boolean
  acked: boolean
  deleted: boolean
  /** Its own device has undone it at some time: it may be composed away unsent, and redone into another op. */
  undone: boolean
}

export class Ledger {
  readonly entries: Entry[] = []
  deletions = 0
  /** Logs that failed: none should, they are in memory. */
  readonly faults: string[] = []

  /** A new token of a device. */
  write(device: string): number {
    this.entries.push({ device, saved: false, acked: false, deleted: false, undone: false })
    return this.entries.length - 1
  }

  saved(token: number): void {
    this.entries[token]!.saved = true
  }

  acked(token: number): void {
    this.entries[token]!.acked = true
  }

  /** Somebody took it away, so it may be missing from the document in the end, though not from the op log. */
  deleted(token: number): void {
    this.entries[token]!.deleted = true
  }

  undone(token: number): void {
    this.deleted(token)
    this.entries[token]!.undone = true
  }

  deletedAll(): void {
    this.deletions++
  }

  isAcked(token: number): boolean {
    return this.entries[token]?.acked ?? false
  }
}
