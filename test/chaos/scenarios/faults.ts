/** What may befall a client: each scenario says which of these it does, and each is done by one at least. */

export const faults = {
  'server killed': 'before a commit, after it, before its ack',
  'server restored': 'from an older backup',
  'history trimmed': 'past what a device was based on',
  'browser killed': 'with SIGKILL, while it writes',
  'tab crashed': 'one of several, with the hub or without',
  'tab frozen': 'with the hub or without, and thawed',
  'browser stopped': 'all of it, as by the lid of a laptop, and woken',
  'worker ended': 'in which the hub lives',
  'page left': 'and returned to, out of the back/forward cache or anew',
  'database cut': 'on the disk, while the browser is down',
  'database corrupted': 'on the disk, while the browser is down',
  'database removed': 'under the page, or while the browser is down',
  'disk full': 'over the quota',
  'page outdated': 'a newer version of it changes the database, or the edits',
  'several tabs': 'offline and back',
  'profile cloned': 'with unsent edits, and both copies go on',
  'private window': 'which keeps nothing',
  'ack lost': 'and its line cut, or not',
  'frames disturbed': 'doubled, delayed, overtaken',
  'line cut': 'reset again and again',
  'line silent': 'a socket that lies',
  'line slow': 'latency, a narrow line, stalls',
  'right revoked': 'while offline',
  'token expired': 'while online and offline',
  'clock wrong': 'by days, from the beginning or all at once',
  'document deleted': 'meanwhile',
  'document created': 'by two people offline',
} as const

export type Fault = keyof typeof faults
