/**
 * The settings: one table, from which the reading, the checking, `--help` and the README's list come.
 *
 * A setting is an environment variable with the prefix HOLDFAST_. A name that the table does not know and a value
 * that a setting cannot have are refused at once with SETTING_INVALID: a typing error must not run as a default.
 */

import { HoldfastError } from '../ops/errors.ts'
import { redisAddress } from './bus/address.ts'
import { levels } from './log.ts'

export const PREFIX = 'HOLDFAST_'

/** Names of the tests and benchmarks, which start servers with their own environment. */
const foreign = /^HOLDFAST_(TEST_|TRACES$)/

interface Setting<Value> {
  /** As it would be written in the environment. */
  readonly fallback: string
  readonly unit: string
  readonly meaning: string
  /** What a value may be, in words that complete "allowed is ...". */
  readonly allowed: string
  /** Whether a wrong value must not be repeated. */
  readonly secret?: true
  /** The value, or undefined when it is not allowed. */
  readonly parse: (text: string) => Value | undefined
}

const KIB = 1024
const MIB = 1024 * KIB

export const table = {
  PORT: whole(7007, '', 'Port of HTTP and WebSocket; 0 lets the system choose one.', 0, 65_535),
  HOST: word(
    '127.0.0.1',
    'Address to listen on; 0.0.0.0 for every network, which is not for a server whose access is open.',
  ),
  DATA: word('./data', 'Directory of the database, made when it is missing; :memory: keeps nothing.'),
  STORE: database(
    'Where documents are kept: sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE; empty: SQLite in HOLDFAST_DATA.',
  ),
  REDIS: redis(
    'Redis through which several servers on one Postgres tell each other of edits: redis://[USER:PASSWORD@]HOST:PORT[/DB], redis+sentinel://HOST,HOST/NAME or redis+cluster://HOST,HOST; rediss for TLS; empty: none.',
  ),
  REDIS_CLIENT: choice(['ioredis', 'node-redis'], 'The library that speaks to Redis.'),
  REDIS_PREFIX: word('holdfast', 'What the names of all channels in Redis begin with.'),
  BUS_CHECK_MS: whole(
    5000,
    'ms',
    'Pause after which documents that are open here, and changes that are waited for, are looked up in the database, as long as other servers may write; and between signs of life on the bus: people on a server that has given none for four such pauses are shown no more.',
    100,
    600_000,
  ),
  STORE_PATIENCE_MS: whole(
    5000,
    'ms',
    'How long a Postgres may not answer before the connections of this server are closed, for other servers to take; nobody is let in until it answers.',
    500,
    600_000,
  ),
  STORE_PASSWORD_FILE: optional('File with the password of Postgres, where HOLDFAST_STORE has none in it.'),
  WEB: word('build', 'Directory of the built page; build: made from the sources when it is missing or old.'),
  DURABILITY: choice(
    ['full', 'normal'],
    'full: an acknowledged edit survives a power cut; normal: it survives a crash of Holdfast, and costs less.',
  ),
  HISTORY: span('How long single edits are kept, as 90d or 36h, or all; older ones are told in summary.'),
  ORIGINS: origins('Pages on other hosts that may connect: origins joined by commas, or * for any.'),
  FRAME_ANCESTORS: origins(
    'Pages on other hosts that may show ours in a frame: origins joined by commas.',
    false,
  ),
  PROXIES: whole(
    0,
    '',
    'Proxies of yours before this server, whose X-Forwarded-For and X-Request-Id are believed.',
    0,
    16,
  ),
  ACCESS: choice(
    ['open', 'jwt', 'callback'],
    'Who may do what: open lets everybody do everything, for development; jwt asks the token, callback asks the app.',
  ),
  JWT_SECRET: hidden('Secret that tokens are signed with, 32 bytes or more.'),
  JWT_SECRET_FILE: optional('File with that secret, as an orchestrator mounts it.'),
  JWKS_URL: address(
    'Where the keys are published that tokens are signed with (JWK Set), in place of a secret.',
  ),
  JWT_ISSUER: optional('Issuer that tokens must name (iss).'),
  JWT_AUDIENCE: optional('Audience that tokens must name (aud).'),
  JWT_ALGORITHMS: algorithms(
    'Algorithms that tokens may be signed by, joined by commas; empty: HS256 with a secret, else RS256, ES256 and EdDSA.',
  ),
  ACCESS_URL: address('Endpoint of the app that is asked who may do what; see server/access/callback.ts.'),
  ACCESS_CACHE_MS: whole(5000, 'ms', 'How long an answer of that endpoint counts.', 0, 3_600_000),
  ACCESS_RECHECK_MS: whole(
    5000,
    'ms',
    'Pause after which the rights of open connections are asked again.',
    100,
    3_600_000,
  ),
  TOKEN_GRACE_MS: whole(
    10_000,
    'ms',
    'How long a connection whose token ran out waits for a new one; nothing passes meanwhile.',
    0,
    600_000,
  ),
  COOKIE: cookie(
    'Cookie that may carry the token, from pages of this very host and port or of origins listed by name in HOLDFAST_ORIGINS; empty: none.',
  ),
  BROWSER_COOKIE: cookie(
    'Cookie that tells one browser from another, so that one that lost its storage is told what was in it; empty: none.',
    'holdfast_browser',
  ),
  HEADERS_MS: whole(
    10_000,
    'ms',
    'How long a request may take until its headers have come; also how long a new connection may say nothing.',
    100,
    600_000,
  ),
  REQUEST_MS: whole(
    300_000,
    'ms',
    'How long a request may take until its body has come, too.',
    100,
    3_600_000,
  ),
  SILENCE_MS: whole(
    120_000,
    'ms',
    'How long nothing may go either way on a connection over HTTP; longer than any wait for changes, and than the pause between signs of life.',
    61_000,
    3_600_000,
  ),
  FRAME_BYTES: whole(
    MIB,
    'bytes',
    'Largest WebSocket frame, and largest body of an edit over HTTP.',
    KIB,
    256 * MIB,
  ),
  FRAGMENTS: whole(1024, '', 'Most parts that a WebSocket frame may come in.', 1, 65_536),
  JSON_DEPTH: whole(200, 'levels', 'Deepest nesting of arrays and objects in a frame or a body.', 16, 1000),
  NAME_CHARS: whole(255, 'characters', 'Longest collection name and document name.', 8, 4096),
  DOCUMENT_BYTES: whole(16 * MIB, 'bytes', 'Largest document, as JSON.', KIB, 1024 * MIB),
  SOCKET_BUFFER_BYTES: whole(
    32 * MIB,
    'bytes',
    'What may wait for one slow reader before it is cut off.',
    64 * KIB,
    1024 * MIB,
  ),
  OPS_PER_SECOND: whole(
    2000,
    '',
    'Edits of one principal in a second, or of one address where access is open, on all servers of one Redis together; 0: no limit.',
    0,
    1_000_000,
  ),
  BYTES_PER_SECOND: whole(
    16 * MIB,
    'bytes',
    'Of the same in a second, all frames together; 0: no limit.',
    0,
    1024 * MIB,
  ),
  CONNECTIONS_PER_PRINCIPAL: whole(
    200,
    '',
    'Open connections of one principal on one server; 0: no limit.',
    0,
    1_000_000,
  ),
  CONNECTIONS_PER_ADDRESS: whole(
    5000,
    '',
    'Open connections of one address, or of one /64 network of IPv6, on one server; 0: no limit.',
    0,
    1_000_000,
  ),
  SOCKETS_PER_ADDRESS: whole(
    10_000,
    '',
    'The same of whatever is open on the network, before a word was said; not looked at behind proxies (HOLDFAST_PROXIES), whose matter it is; 0: no limit.',
    0,
    1_000_000,
  ),
  REFUSED_TOKENS_PER_SECOND: whole(
    100,
    '',
    'Tokens from one address that may be refused in a second, over HTTP and in handshakes, before no more are looked at; on all servers of one Redis together; 0: no limit.',
    0,
    1_000_000,
  ),
  DOCUMENTS_PER_CONNECTION: whole(10_000, '', 'Documents that one connection may follow.', 1, 1_000_000),
  PRESENCE_PER_SECOND: whole(
    100,
    '',
    'Changes of presence that one connection may announce in a second; of more only the newest is passed on.',
    1,
    100_000,
  ),
  PRESENCE_PER_CONNECTION: whole(1000, '', 'States of presence that one connection may have.', 1, 1_000_000),
  MEMORY_BYTES: whole(
    0,
    'bytes',
    'Memory from which presence is not passed on, and a tenth above which nobody new is let in; 0: three quarters of what the container allows.',
    0,
    1024 * 1024 * MIB,
  ),
  IMPORT_BYTES: whole(64 * MIB, 'bytes', 'Largest import over HTTP; 0 allows none.', 0, 1024 * MIB),
  FEED_WAITERS: whole(
    1000,
    '',
    'Requests that may wait for changes at a time, streams included.',
    0,
    100_000,
  ),
  WEBHOOKS: hidden(
    'Who is told of changes: a JSON list of {url, collections, secret or secretFile}, or a file with one; empty: nobody.',
  ),
  WEBHOOK_NETWORKS: choice(
    ['any', 'public'],
    'Where webhooks may lead: any; or public, no address of a private network or of this machine.',
  ),
  HEARTBEAT_MS: whole(
    20_000,
    'ms',
    'Pause between pings, and between signs of life of a stream; a socket that answers none of two is closed.',
    100,
    600_000,
  ),
  DRAIN_MS: whole(10_000, 'ms', 'Longest time that shutting down may take.', 0, 600_000),
  DRAIN_SPREAD_MS: whole(
    3000,
    'ms',
    'Time over which the connections are sent away when it shuts down; few of them take less.',
    0,
    600_000,
  ),
  LOG: choice(levels, 'What is written down, from this level on, as JSON lines on standard error.'),
  METRICS_TOKEN: hidden('Token (Bearer) that opens /metrics; empty: only this machine may read it.'),
  METRICS_TOKEN_FILE: optional('File with that token.'),
} as const satisfies Record<string, Setting<unknown>>

export type Settings = {
  readonly [Name in keyof typeof table]: NonNullable<ReturnType<(typeof table)[Name]['parse']>>
}

/** The settings of an environment (`process.env`); throws SETTING_INVALID that names the setting. */
export function readSettings(environment: Readonly<Record<string, string | undefined>> = {}): Settings {
  for (const name of Object.keys(environment)) {
    if (!name.startsWith(PREFIX) || foreign.test(name)) continue
    if (!Object.hasOwn(table, name.slice(PREFIX.length))) {
      throw new HoldfastError('SETTING_INVALID', `${name} is not a setting. ${listOfNames()}`)
    }
  }
  const entries = Object.entries(table).map(([name, setting]) => {
    const text = environment[PREFIX + name] ?? setting.fallback
    const value = setting.parse(text.trim())
    if (value === undefined) {
      const shown = 'secret' in setting ? 'wrong' : JSON.stringify(text.slice(0, 80))
      throw new HoldfastError(
        'SETTING_INVALID',
        `${PREFIX}${name} is ${shown}; allowed is ${setting.allowed}.`,
      )
    }
    return [name, value]
  })
  return Object.fromEntries(entries) as Settings
}

/** What `--help` prints about the settings. */
export function helpText(): string {
  const width = Math.max(...Object.keys(table).map(name => PREFIX.length + name.length))
  const lines = Object.entries(table).map(([name, { fallback, unit, meaning }]) => {
    const standard = fallback === '' ? 'empty' : `${fallback}${unit && ` ${unit}`}`
    return `  ${(PREFIX + name).padEnd(width)}  ${meaning} [${standard}]`
  })
  return `Settings, from the environment [default]:\n\n${lines.join('\n')}\n`
}

/** The settings as a table for the README. */
export function markdownTable(): string {
  const rows = Object.entries(table).map(([name, { fallback, unit, meaning }]) => {
    return `| \`${PREFIX}${name}\` | ${fallback === '' ? 'empty' : `\`${fallback}\``}${unit && ` ${unit}`} | ${meaning} |`
  })
  return ['| setting | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

const listOfNames = () =>
  `The settings are ${Object.keys(table)
    .map(name => PREFIX + name)
    .join(', ')}.`

function whole(fallback: number, unit: string, meaning: string, min: number, max: number): Setting<number> {
  const parse = (text: string) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : undefined
  }
  return { fallback: String(fallback), unit, meaning, allowed: `a whole number from ${min} to ${max}`, parse }
}

function word(fallback: string, meaning: string): Setting<string> {
  return {
    fallback,
    unit: '',
    meaning,
    allowed: 'any text but an empty one',
    parse: text => text || undefined,
  }
}

function optional(meaning: string): Setting<string> {
  return { fallback: '', unit: '', meaning, allowed: 'any text', parse: text => text }
}

/** Not to be repeated when it is wrong. */
function hidden(meaning: string): Setting<string> & { secret: true } {
  return { ...optional(meaning), secret: true }
}

/** A URL of HTTP, which may have a secret in it. */
function address(meaning: string): Setting<string> & { secret: true } {
  const parse = (text: string) => {
    const url = URL.parse(text)
    return text === '' || (originOf(text) !== null && url?.username === '') ? text : undefined
  }
  const allowed = 'nothing, or a URL of http or https without a password in it'
  return { fallback: '', unit: '', meaning, allowed, secret: true, parse }
}

/** Those of RFC 7518 and RFC 8037 that sign; "none" is not among them. */
function algorithms(meaning: string): Setting<readonly string[]> {
  const known = /^((HS|RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$/
  const parse = (text: string) => {
    const list = text.split(',').flatMap(part => part.trim() || [])
    return list.every(each => known.test(each)) ? list : undefined
  }
  return { fallback: '', unit: '', meaning, allowed: 'a list like ES256,EdDSA', parse }
}

/** A name as RFC 6265 has it. */
function cookie(meaning: string, fallback = ''): Setting<string> {
  const parse = (text: string) => (/^[\w!#$%&'*+.^`|~-]{0,128}$/.test(text) ? text : undefined)
  return { fallback, unit: '', meaning, allowed: 'nothing, or the name of a cookie', parse }
}

/** The address of a database, which may have a password in it. */
function database(meaning: string): Setting<string> & { secret: true } {
  const allowed = 'nothing, sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE'
  const parse = (text: string) => {
    const known = text === '' || /^sqlite:./.test(text)
    return known || /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '') ? text : undefined
  }
  return { fallback: '', unit: '', meaning, allowed, secret: true, parse }
}

function redis(meaning: string): Setting<string> & { secret: true } {
  const allowed =
    'nothing, or an address like redis://HOST:6379, redis+sentinel://A,B/NAME, redis+cluster://A,B'
  const parse = (text: string) => (text === '' || redisAddress(text) !== null ? text : undefined)
  return { fallback: '', unit: '', meaning, allowed, secret: true, parse }
}

function choice<const Word extends string>(
  words: readonly [Word, ...Word[]],
  meaning: string,
): Setting<Word> {
  const parse = (text: string) => words.find(each => each === text)
  return { fallback: words[0], unit: '', meaning, allowed: words.join(' or '), parse }
}

/** A span of time in ms, or all. */
function span(meaning: string): Setting<number | 'all'> {
  const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
  const parse = (text: string) => {
    const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
    return text === 'all' ? 'all' : Number(count) > 0 ? Number(count) * units[unit!]! : undefined
  }
  return { fallback: 'all', unit: '', meaning, allowed: 'all, or a span like 90d, 36h or 30m', parse }
}

/** Origins as a browser writes them in its `Origin` header: scheme and host, no path. */
function origins(meaning: string, star = true): Setting<readonly string[]> {
  const parse = (text: string) => {
    const list = text.split(',').flatMap(part => part.trim() || [])
    return list.every(each => (star && each === '*') || originOf(each) === each) ? list : undefined
  }
  return {
    fallback: '',
    unit: '',
    meaning,
    allowed: `a list like https://a.example,http://b.example:8080${star ? ', or *' : ''}`,
    parse,
  }
}

function originOf(text: string): string | null {
  const url = URL.parse(text)
  return url && (url.protocol === 'http:' || url.protocol === 'https:') ? url.origin : null
}
