/**
 * `holdfast doctor`: is all there that the server needs? One line for each check, with what to do where something is wrong:
 *
 *   ok    nothing to do         warn  it works, but look at it         FAIL  it will not work
 *
 * The database is opened only if it is there, and nothing in it is anybody's that is written (store/probe.ts).
 */

import { accessSync, constants, existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { HoldfastError } from '../ops/errors.ts'
import { policyOf } from './access/policy.ts'
import { probeBus } from './bus/probe.ts'
import { secretOf } from './secrets.ts'
import { PREFIX, type Settings } from './settings.ts'
import { fileOf } from './store/open.ts'
import { clockOf, probe } from './store/probe.ts'

export interface Finding {
  readonly state: 'ok' | 'warn' | 'FAIL'
  readonly says: string
}

type Check = (settings: Settings) => Promise<Finding> | Finding

const MIB = 2 ** 20
const DISK_BYTES = 1024 * MIB
/** Each connection is one open file. */
const OPEN_FILES = 4096
/** A token that is good for minutes may be off by this (ms). */
const SKEW_MS = 2000
/** From one server to another; above it people see each other's edits late. */
const LAG_MS = 100
/** The oldest Redis that Holdfast is tested on. */
const REDIS_VERSION = 7

const ok = (says: string): Finding => ({ state: 'ok', says })
const warn = (says: string): Finding => ({ state: 'warn', says })
const fail = (says: string): Finding => ({ state: 'FAIL', says })

/** In the order in which one would look. */
export const checks: Record<string, Check> = {
  settings: checkSettings,
  store: checkStore,
  bus: checkBus,
  clock: checkClock,
  disk: checkDisk,
  files: checkFiles,
  memory: checkMemory,
}

/** Prints by `say`; answers how many checks failed. */
export async function examine(settings: Settings, say: (line: string) => void): Promise<number> {
  let failed = 0
  for (const [name, check] of Object.entries(checks)) {
    const { state, says } = await attempt(() => check(settings))
    if (state === 'FAIL') failed++
    say(`${state.padEnd(4)}  ${name.padEnd(8)}  ${says}`)
  }
  return failed
}

async function attempt(check: () => Promise<Finding> | Finding): Promise<Finding> {
  try {
    return await check()
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return fail(error instanceof HoldfastError ? `${code}: ${message}` : message)
  }
}

/** That they can be read was seen before; here, whether they go together. */
function checkSettings(settings: Settings): Finding {
  policyOf(settings, () => {})
  secretOf('METRICS_TOKEN', settings)
  secretOf('STORE_PASSWORD', settings)
  const open = settings.ACCESS === 'open'
  if (open && !['127.0.0.1', 'localhost', '::1'].includes(settings.HOST))
    return warn(`access is open on ${settings.HOST}: set ${PREFIX}ACCESS, or ${PREFIX}HOST to 127.0.0.1`)
  if (settings.DRAIN_SPREAD_MS >= settings.DRAIN_MS)
    return warn(
      `${PREFIX}DRAIN_SPREAD_MS should be less than ${PREFIX}DRAIN_MS, or the last connections are cut`,
    )
  return ok(open ? 'they go together; access is open, for development' : 'they go together')
}

async function checkStore(settings: Settings): Promise<Finding> {
  const file = fileOf(settings)
  if (file === ':memory:') return warn(`${PREFIX}DATA is :memory:, so nothing outlives the process`)
  if (file !== null && !existsSync(file)) {
    const folder = nearest(dirname(resolve(file)))
    if (!mayWrite(folder))
      return fail(
        `there is none yet, and ${folder} cannot be written: give it to the user that runs Holdfast`,
      )
    return ok('there is none yet; the first start makes it')
  }
  if (file !== null && !(mayWrite(file) && mayWrite(dirname(file))))
    return fail(`${file} or its folder cannot be written: give them to the user that runs Holdfast`)
  return ok(`it opens and answers; its epoch is ${await probe(settings)}`)
}

async function checkBus(settings: Settings): Promise<Finding> {
  const { REDIS, BUS_CHECK_MS } = settings
  const alone = fileOf(settings) !== null
  if (REDIS === '')
    return ok(
      alone
        ? 'none, and no other server to tell'
        : `none: servers see each other's edits within ${BUS_CHECK_MS} ms`,
    )
  const { lagMs, fault, version } = await probeBus(settings)
  if (lagMs === null) {
    const said = fault?.slice(0, 100) ?? 'what is published there is not heard'
    return fail(`${PREFIX}REDIS: ${said}: ${remedyOf(said, settings)}`)
  }
  const says = `Redis ${version ?? 'of a version that it does not tell'}; from server to server in ${lagMs.toFixed(1)} ms`
  if (alone) return warn(`${says}; of no use here: no other server can be on a SQLite database`)
  if (lagMs > LAG_MS) return warn(`${says}: let it stand nearer, and keep it to Holdfast`)
  if (version !== null && Number.parseInt(version, 10) < REDIS_VERSION)
    return warn(`${says}: let it be ${REDIS_VERSION} or later`)
  return ok(says)
}

function remedyOf(fault: string, { REDIS, REDIS_PREFIX }: Settings): string {
  if (/NOAUTH|WRONGPASS|invalid password|without any password/i.test(fault))
    return 'give the user and password of that Redis, as in redis://USER:PASSWORD@HOST:PORT'
  if (/NOPERM/.test(fault))
    return `let its user use the channels and keys ${REDIS_PREFIX}:* (ACL: &${REDIS_PREFIX}:* ~${REDIS_PREFIX}:* +@pubsub +@scripting +@write +@read +@connection +info)`
  if (/ENOTFOUND|EAI_AGAIN/.test(fault)) return 'there is no host of that name'
  const speaks = REDIS.startsWith('rediss') ? 'one that speaks TLS (redis:// is without)' : 'Redis'
  return `start ${speaks} there, and let this machine reach it`
}

async function checkClock(settings: Settings): Promise<Finding> {
  if (fileOf(settings) !== null)
    return ok('there is no other clock to compare with: the database is on this machine')
  const ahead = await clockOf(settings)
  const says = `${Math.abs(ahead)} ms ${ahead > 0 ? 'behind' : 'ahead of'} the database`
  if (Math.abs(ahead) <= SKEW_MS) return ok(says)
  return warn(`${says}: let both be set by NTP; tokens and times of edits rest on it`)
}

async function checkDisk(settings: Settings): Promise<Finding> {
  const file = fileOf(settings)
  if (file === null || file === ':memory:') return ok('the database is not on this machine')
  const folder = nearest(dirname(resolve(file)))
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const says = `${Math.round(free / MIB)} MiB free in ${folder}`
  if (free < 64 * MIB) return fail(`${says}: make room, or no edit is taken`)
  return free < DISK_BYTES ? warn(`${says}: make room`) : ok(says)
}

function checkFiles(): Finding {
  // Else it would look up the names of all peers.
  Object.assign(process.report, { excludeNetwork: true })
  const report = process.report.getReport() as unknown as {
    userLimits?: { open_files: { soft: number | 'unlimited' } }
  }
  const most = report.userLimits?.open_files.soft
  if (most === undefined) return ok('this system tells no limit of open files')
  if (most === 'unlimited' || most >= OPEN_FILES) return ok(`${most} files may be open: as many connections`)
  return warn(`only ${most} files may be open, and each connection is one: raise it (ulimit -n, LimitNOFILE)`)
}

function checkMemory({ MEMORY_BYTES }: Settings): Finding {
  const allowed = process.constrainedMemory() || process.availableMemory()
  if (MEMORY_BYTES > allowed)
    return warn(
      `${PREFIX}MEMORY_BYTES is more than the ${Math.round(allowed / MIB)} MiB that there are: it will not help`,
    )
  return ok(`${Math.round(allowed / MIB)} MiB`)
}

/** The folder itself, or the nearest above it that is there. */
function nearest(folder: string): string {
  return existsSync(folder) ? folder : nearest(dirname(folder))
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
