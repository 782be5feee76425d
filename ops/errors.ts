/**
 * The one table of errors: every code that Holdfast shows to a client, an app or an operator. Pure.
 *
 * `fate` says what a client does with an edit that was answered so:
 *   retry  the server could not; the same edit again, later, under the same name
 *   stale  the edit was built on a version that is not the head any more; catch up, then send it again
 *   hold   the server will not; the edit moves to the held list with this reason
 *   fatal  the connection or the call cannot go on; edits stay where they are
 *
 * Codes with the prefix ERR_ are ShareDB's own (sharedb/lib/error.js), kept because stock clients act on them.
 */

export type Fate = 'retry' | 'stale' | 'hold' | 'fatal'

export interface ErrorEntry {
  /** What happened and what to do about it. */
  readonly meaning: string
  readonly fate: Fate
  /** HTTP status of the same fault over HTTP. */
  readonly http: number
  /** WebSocket close code, where the fault ends the connection. */
  readonly close?: number
  /** A client says it without having been told: it needs the words. Those of others come along from the server. */
  readonly own?: true
  /** Said over HTTP, on the command line or at the start of a server alone: no client meets it. */
  readonly apart?: true
}

const entry = (meaning: string, fate: Fate, http: number, close?: number): ErrorEntry => ({
  meaning,
  fate,
  http,
  ...(close && { close }),
})

const own = (...of: Parameters<typeof entry>): ErrorEntry => ({ ...entry(...of), own: true })
const apart = (...of: Parameters<typeof entry>): ErrorEntry => ({ ...entry(...of), apart: true })

export const errors = {
  FRAME_MALFORMED: entry(
    'The frame or the body is not a JSON object that is known here; see ops/protocol.ts and /openapi.json.',
    'fatal',
    400,
    4400,
  ),
  FRAME_TOO_LARGE: own(
    'The frame or the body is larger than HOLDFAST_FRAME_BYTES; send smaller edits or raise the limit.',
    'hold',
    413,
    1009,
  ),
  FRAME_TOO_DEEP: entry(
    'The frame or the body nests deeper than HOLDFAST_JSON_DEPTH; flatten it or raise the limit.',
    'hold',
    400,
    4400,
  ),
  PROTOCOL_VERSION: entry(
    'The two sides speak different versions of the protocol; update the older one.',
    'fatal',
    400,
    4400,
  ),
  NAME_INVALID: entry(
    'A collection or document name is empty, too long or reserved; choose another.',
    'hold',
    400,
  ),
  TYPE_UNKNOWN: own('The document type is not one of text, json and rich.', 'hold', 400),
  TYPE_MISMATCH: entry('The document exists with another type; open it as that type.', 'hold', 409),
  OP_MALFORMED: entry('The op is not one of this type; see the type in types/.', 'hold', 400),
  OP_MISFIT: entry(
    'The op does not fit the document: it reaches beyond its end or names what is not there.',
    'hold',
    422,
  ),
  OP_TOO_DEEP: entry('The op or the document nests deeper than its type allows.', 'hold', 400),
  OP_ATTRIBUTE: entry('The op carries a format or an embed that is not on the allowed list.', 'hold', 400),
  DATA_MALFORMED: entry('The initial content is not a document of this type.', 'hold', 400),
  DOCUMENT_TOO_LARGE: entry(
    'The document would grow past HOLDFAST_DOCUMENT_BYTES; split it or raise the limit.',
    'hold',
    413,
  ),
  DOCUMENT_DELETED: entry(
    'The document was deleted meanwhile; copy the edit out, or save it as a new document.',
    'hold',
    410,
  ),
  NAME_REUSED: own(
    'Another edit has this name (src, seq) in the document already; save this one under a new name.',
    'hold',
    409,
  ),
  DEPENDENCY_HELD: own('It waits for an edit that was not taken.', 'hold', 424),
  SCHEMA_OLD: own(
    'The edit was made for an older schema of the app, which could not lift it to the present one; copy it out.',
    'hold',
    409,
  ),
  SEQ_PASSED: entry(
    'A later edit of this src was committed before; save this one under a new name.',
    'hold',
    409,
  ),
  HISTORY_TRIMMED: entry(
    'The history of the document does not reach back that far any more; see HOLDFAST_HISTORY.',
    'stale',
    410,
  ),
  VERSION_UNKNOWN: entry('The document has no such version.', 'fatal', 404),
  NOT_FOUND: entry('There is nothing at this address.', 'fatal', 404),
  SERVER_BEHIND: entry(
    'The server knows less of the document than this device: it was probably restored from a backup.',
    'fatal',
    409,
  ),
  SERVER_DIVERGED: entry(
    "The server's history of the document is another one than this device's: it was probably restored from a backup.",
    'fatal',
    409,
  ),
  READER_TOO_SLOW: entry(
    'The client reads more slowly than others write and was cut off; connect again and catch up.',
    'retry',
    503,
    4408,
  ),
  TOO_MANY: entry(
    'More was asked for than a limit allows; the message names the setting. It is asked for again in a moment.',
    'retry',
    429,
    4429,
  ),
  SERVER_FULL: entry(
    'The server is short of memory and takes nobody new; connect again in a while. See HOLDFAST_MEMORY_BYTES.',
    'retry',
    503,
    1013,
  ),
  ORIGIN_REFUSED: apart(
    'A page of this origin may not connect; its origin must be listed in HOLDFAST_ORIGINS.',
    'fatal',
    403,
  ),
  TOKEN_MISSING: entry(
    'The server asks for a token and got none; give connect a token function.',
    'fatal',
    401,
    4401,
  ),
  TOKEN_INVALID: entry('The token is not one that the server accepts; sign in again.', 'fatal', 401, 4401),
  TOKEN_EXPIRED: entry('The token has expired; a new one is asked for.', 'retry', 401, 4401),
  FORBIDDEN: entry(
    'Who holds this token may not do that; ask whoever manages the document.',
    'hold',
    403,
    4403,
  ),
  REQUEST_MALFORMED: apart('This is no request of HTTP/1.1, or can be read in two ways.', 'fatal', 400),
  HEADERS_TOO_LARGE: apart('The headers must not be longer than 16 KiB.', 'fatal', 431),
  REQUEST_TOO_SLOW: apart(
    'The request did not arrive in time; see HOLDFAST_HEADERS_MS and HOLDFAST_REQUEST_MS.',
    'retry',
    408,
  ),
  UPGRADE_INVALID: apart(
    'A WebSocket takes version 13, no subprotocol, and no token in its address.',
    'fatal',
    426,
  ),
  ACCESS_UNAVAILABLE: entry(
    'Who may do what cannot be asked now; try again in a moment.',
    'retry',
    503,
    1013,
  ),
  METHOD_NOT_ALLOWED: apart('This address does not answer to this method.', 'fatal', 405),
  PARAMETER_INVALID: entry(
    'A parameter of the request has a value that it cannot have; the message names it.',
    'fatal',
    400,
  ),
  MEDIA_TYPE_UNSUPPORTED: apart(
    'The body is not of the type that this address takes, or is compressed; the message names the type.',
    'fatal',
    415,
  ),
  NOT_ACCEPTABLE: apart(
    'The document cannot be told in any form that the request accepts; ask for application/json.',
    'fatal',
    406,
  ),
  VERSION_MISMATCH: entry(
    'The document is not at the version that If-Match or If-None-Match names; read it again.',
    'stale',
    412,
  ),
  BATCH_STOPPED: apart(
    'An earlier op of the document in this batch was refused; see to that one, then send this one again.',
    'retry',
    424,
  ),
  IMPORT_TOO_LARGE: apart(
    'The file is larger than HOLDFAST_IMPORT_BYTES; raise it, or use holdfast import.',
    'fatal',
    413,
  ),
  FEED_FULL: apart(
    'Too many requests wait for changes (HOLDFAST_FEED_WAITERS); ask again in a moment.',
    'retry',
    503,
  ),
  SERVER_DRAINING: entry('The server is shutting down; connect again in a moment.', 'retry', 503, 1012),
  SETTING_INVALID: entry('A setting has a value that it cannot have; the message names it.', 'fatal', 500),
  STORE_NEWER: apart('The database was written by a newer Holdfast; update the program.', 'fatal', 500),
  STORE_MISSING: apart(
    'There is no database where the settings say; see HOLDFAST_STORE and HOLDFAST_DATA.',
    'fatal',
    500,
  ),
  STORE_NOT_EMPTY: apart(
    'The database has documents already, and a backup is restored into an empty one only: name another, or move this one away.',
    'fatal',
    409,
  ),
  STORE_CORRUPT: entry(
    'The database holds what its op log does not say; the message names the first difference. Restore a backup.',
    'fatal',
    500,
  ),
  BACKUP_INVALID: apart(
    'The file is not a backup of Holdfast, or it was damaged; use another one.',
    'fatal',
    400,
  ),
  IMPORT_INVALID: apart(
    'A line of the file cannot stand there; the message says which and why. Its document was not imported.',
    'fatal',
    400,
  ),
  JOURNAL_INVALID: entry(
    'The file is not a rescue file of Holdfast, or it was damaged; the message says what is wrong. Export it again.',
    'fatal',
    400,
  ),
  SERVER_AWAY: own(
    'The server did not answer in time; nothing is lost. Try again when there is a connection.',
    'retry',
    503,
  ),
  DOCUMENT_EXISTS: entry(
    'A document of this name has another history here; import into another collection.',
    'fatal',
    409,
  ),
  FILE_FAILED: apart('A file cannot be read or written; the message says which and why.', 'fatal', 500),
  UNFIT: apart(
    'Something that the server needs is missing; holdfast doctor says what to mend.',
    'fatal',
    500,
  ),
  COMMAND_INVALID: apart('The command line is none that Holdfast knows; see holdfast --help.', 'fatal', 400),
  STORE_FAILED: entry(
    'The database refused to read or write; nothing was acknowledged. Look at the disk.',
    'retry',
    503,
    1013,
  ),
  TOKEN_FAILED: own(
    "The app's token function threw, or took too long; it is asked again in a moment.",
    'retry',
    401,
  ),
  LOG_FAILED: own(
    'This device could not save: the edit is in memory only. Free some space, or keep the page open.',
    'fatal',
    507,
  ),
  LOG_TAKEN: own(
    'Another page took over the edits that are kept on this device; this one saves nothing any more. Reload it.',
    'fatal',
    409,
  ),
  CLIENT_CLOSED: own('The client or the document was closed; open it again.', 'fatal', 409),
  INTERNAL: own(
    'The server failed in a way that it did not expect; the edit stays queued and is tried again.',
    'retry',
    500,
  ),

  ERR_OP_ALREADY_SUBMITTED: entry('The op is in the log already.', 'stale', 200),
  ERR_DOC_ALREADY_CREATED: entry('Somebody else created the document first.', 'stale', 409),
  ERR_DOC_WAS_DELETED: entry('The document was deleted while the op was on its way.', 'stale', 410),
  ERR_DOC_DOES_NOT_EXIST: entry('The document does not exist.', 'stale', 404),
  ERR_OP_VERSION_NEWER_THAN_CURRENT_SNAPSHOT: entry(
    'The op is based on a version that the server does not have.',
    'stale',
    409,
  ),
  ERR_OP_VERSION_MISMATCH_DURING_TRANSFORM: entry(
    'The document moved while the op was transformed.',
    'stale',
    409,
  ),
  ERR_MAX_SUBMIT_RETRIES_EXCEEDED: entry('Too many writers at once; try again.', 'retry', 503),
  ERR_OT_OP_NOT_APPLIED: entry('The type refused the op.', 'hold', 422),
  ERR_OT_OP_BADLY_FORMED: entry('The op message lacks a part.', 'hold', 400),
  ERR_DOC_TYPE_NOT_RECOGNIZED: entry('The document type is not known here.', 'hold', 400),
  ERR_MESSAGE_BADLY_FORMED: entry('The message lacks a part.', 'hold', 400),
  ERR_TYPE_DOES_NOT_SUPPORT_PRESENCE: entry('The type named in a presence is not known here.', 'fatal', 400),
  ERR_PRESENCE_TRANSFORM_FAILED: entry('The presence is not a cursor of its document type.', 'fatal', 400),
  ERR_OP_SUBMIT_REJECTED: entry('The server refused the op.', 'hold', 403),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errors

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(errors, code)

/** The entry of a code from the other side; one that this version does not know is the other side's `INTERNAL`. */
export const entryOf = (code: unknown): ErrorEntry => errors[isErrorCode(code) ? code : 'INTERNAL']

/** A coded error, thrown where a caller did something that cannot be done. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError'
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string = errors[code].meaning) {
    super(message)
    this.code = code
  }
}
