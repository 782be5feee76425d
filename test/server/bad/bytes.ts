/** What no HTTP library would send: requests that are none, or two; headers, paths and upgrades as they must not be. */

import type { ErrorCode } from '../../../ops/errors.ts'
import type { BadBytes } from './table.ts'

const HOST = 'Host: holdfast'
const AUTH = 'Authorization: Bearer TOKEN'
const JSON_BODY = 'Content-Type: application/json'

/** A request of these lines; `more` is its body and what follows. */
const request = (lines: readonly string[], more = '') => `${lines.join('\r\n')}\r\n\r\n${more}`
const get = (path: string, ...headers: string[]) => request([`GET ${path} HTTP/1.1`, HOST, AUTH, ...headers])
const post = (headers: readonly string[], more: string) =>
  request(['POST /v1/docs/notes/text/ops HTTP/1.1', HOST, AUTH, JSON_BODY, ...headers], more)

const bad = (what: string, bytes: string, code: ErrorCode = 'REQUEST_MALFORMED'): BadBytes => ({
  what,
  bytes,
  code,
})

const lines: readonly BadBytes[] = [
  bad('bytes without meaning', '\0\0\0\0\r\n\r\n'),
  bad('the hello of TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'),
  bad('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  bad('HTTP/0.9', 'GET /\r\n\r\n'),
  bad('HTTP/9', request(['GET /health HTTP/9.0', HOST])),
  bad('a version that is none', request(['GET /health HTTP/x', HOST])),
  bad('a method that nobody knows', request(['BREW / HTTP/1.1', HOST])),
  bad('a method in small letters', request(['get / HTTP/1.1', HOST])),
  bad('a blank in the path', request(['GET /v1/docs/notes/a b HTTP/1.1', HOST])),
  bad('a NUL in the path', request(['GET /v1/docs/notes/a\0b HTTP/1.1', HOST])),
  bad('a tunnel', request(['CONNECT evil.example:443 HTTP/1.1', HOST]), 'METHOD_NOT_ALLOWED'),
  bad('a trace', request(['TRACE /v1/docs/notes/text HTTP/1.1', HOST, AUTH]), 'METHOD_NOT_ALLOWED'),
]

const headers: readonly BadBytes[] = [
  bad('no host', request(['GET /health HTTP/1.1'])),
  bad('two hosts', request(['GET /health HTTP/1.1', HOST, 'Host: evil.example'])),
  bad('two tokens', get('/v1/docs/notes/text', 'Authorization: Bearer x')),
  bad('two origins', get('/v1/docs/notes/text', 'Origin: http://a.example', 'Origin: http://b.example')),
  bad('two media types', post(['Content-Type: text/plain', 'Content-Length: 2'], '{}')),
  bad('two conditions', get('/v1/docs/notes/text', 'If-None-Match: "v1"', 'If-None-Match: "v2"')),
  bad('two ends of a stream', get('/v1/feed/notes', 'Last-Event-ID: 1', 'Last-Event-ID: 2')),
  bad('a blank before the colon', request(['GET /health HTTP/1.1', 'Host : holdfast'])),
  bad('a header without a colon', request(['GET /health HTTP/1.1', HOST, 'nothing'])),
  bad('a header without a name', request(['GET /health HTTP/1.1', HOST, ': value'])),
  bad('a header that goes on in the next line', request(['GET /health HTTP/1.1', HOST, 'X-A: b', ' c'])),
  bad('a NUL in a header', request(['GET /health HTTP/1.1', HOST, 'X-A: b\0c'])),
  bad('a return alone in a header', request(['GET /health HTTP/1.1', HOST, 'X-A: b\rX-B: c'])),
  bad('a header of 20,000 characters', get('/health', `X-A: ${'a'.repeat(20_000)}`), 'HEADERS_TOO_LARGE'),
  bad(
    'a name of a header of 20,000 characters',
    get('/health', `${'a'.repeat(20_000)}: 1`),
    'HEADERS_TOO_LARGE',
  ),
  bad(
    '2,000 headers',
    get('/health', ...Array.from({ length: 2000 }, (_, i) => `X-${i}: 1`)),
    'HEADERS_TOO_LARGE',
  ),
  bad(
    'a token of 70,000 characters',
    request(['GET /v1/docs/notes HTTP/1.1', HOST, `Authorization: Bearer ${'t'.repeat(70_000)}`]),
    'HEADERS_TOO_LARGE',
  ),
  bad('an address of 20,000 characters', get(`/v1/docs/notes/${'a'.repeat(20_000)}`), 'HEADERS_TOO_LARGE'),
  bad(
    'a token of another scheme',
    request(['GET /v1/docs/notes HTTP/1.1', HOST, 'Authorization: Basic YTpi']),
    'TOKEN_MISSING',
  ),
  bad(
    'an empty token',
    request(['GET /v1/docs/notes HTTP/1.1', HOST, 'Authorization: Bearer ']),
    'TOKEN_MISSING',
  ),
  bad(
    'a token in the address',
    request(['GET /v1/docs/notes?access_token=TOKEN HTTP/1.1', HOST]),
    'TOKEN_MISSING',
  ),
  bad(
    'a token in a cookie that is not named',
    request(['GET /v1/docs/notes HTTP/1.1', HOST, 'Cookie: token=TOKEN']),
    'TOKEN_MISSING',
  ),
  bad(
    'a write by a page that is a file',
    post(['Origin: null', 'Content-Length: 2'], '{}'),
    'ORIGIN_REFUSED',
  ),
  bad(
    'a write by a page with an odd origin',
    post(['Origin: javascript:1', 'Content-Length: 2'], '{}'),
    'ORIGIN_REFUSED',
  ),
  bad(
    'a write by a page of a host like ours',
    post(['Origin: http://holdfast.evil.example', 'Content-Length: 2'], '{}'),
    'ORIGIN_REFUSED',
  ),
]

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

/** One request that could be read as two, or whose end is not clear. */
const smuggling: readonly BadBytes[] = [
  bad(
    'a length and chunks',
    post(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\nGET /health HTTP/1.1\r\n\r\n'),
  ),
  bad('chunks and a length', post(['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\n')),
  bad('two lengths', post(['Content-Length: 2', 'Content-Length: 3'], '{}')),
  bad('two lengths that are equal', post(['Content-Length: 2', 'Content-Length: 2'], '{}')),
  bad('two lengths in one', post(['Content-Length: 2, 3'], '{}')),
  bad('a negative length', post(['Content-Length: -1'], '{}')),
  bad('a length with a sign', post(['Content-Length: +2'], '{}')),
  bad('a length in hexadecimal', post(['Content-Length: 0x2'], '{}')),
  bad('a length past all integers', post(['Content-Length: 99999999999999999999'], '{}')),
  bad('an empty length', post(['Content-Length:'], '{}')),
  bad('chunks that are not last', post(['Transfer-Encoding: chunked, identity'], chunk('{}'))),
  bad('an encoding that is like chunks', post(['Transfer-Encoding: xchunked'], chunk('{}'))),
  bad('chunks and something else', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: x'], chunk('{}'))),
  bad('a chunk whose size is none', post(['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n')),
  bad('a chunk of negative size', post(['Transfer-Encoding: chunked'], '-2\r\n{}\r\n')),
  bad('a chunk that is longer than it says', post(['Transfer-Encoding: chunked'], '1\r\n{}\r\n0\r\n\r\n')),
  bad(
    'a chunk with 20,000 characters more to say',
    post(['Transfer-Encoding: chunked'], `2;${'a'.repeat(20_000)}\r\n{}\r\n`),
  ),
  bad(
    'trailers of 20,000 characters',
    post(['Transfer-Encoding: chunked'], `${chunk('{}')}0\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`),
    'HEADERS_TOO_LARGE',
  ),
  bad('more behind the end of the body', post(['Content-Length: 2'], '{}{}GARBAGE\r\n\r\n')),
  bad(
    'a body that says it is packed',
    post(['Content-Encoding: gzip', 'Content-Length: 2'], '{}'),
    'MEDIA_TYPE_UNSUPPORTED',
  ),
  bad(
    'a body that says it is packed twice',
    post(['Content-Encoding: gzip, br', 'Content-Length: 2'], '{}'),
    'MEDIA_TYPE_UNSUPPORTED',
  ),
  bad(
    'two encodings of the body',
    post(['Content-Encoding: identity', 'Content-Encoding: gzip', 'Content-Length: 2'], '{}'),
  ),
  bad('a length that says gigabytes', post(['Content-Length: 5000000000'], '{}'), 'FRAME_TOO_LARGE'),
  bad(
    'chunks without end',
    post(['Transfer-Encoding: chunked'], chunk('x'.repeat(65_535)).repeat(17)),
    'FRAME_TOO_LARGE',
  ),
]

const paths: readonly BadBytes[] = [
  bad('a way up', get('/../../etc/passwd'), 'NOT_FOUND'),
  bad('a way up, encoded', get('/%2e%2e/%2e%2e/etc/passwd'), 'NOT_FOUND'),
  bad('a way up behind the assets', get('/assets/../../package.json'), 'NOT_FOUND'),
  bad('a way up, encoded twice', get('/%252e%252e/etc/passwd'), 'NOT_FOUND'),
  bad('a way up by backslashes', get('/..\\..\\etc\\passwd'), 'NOT_FOUND'),
  bad('a way up as a document', get('/v1/docs/notes/..%2f..%2fetc'), 'NOT_FOUND'),
  bad('two slashes', get('//v1/docs/notes'), 'NOT_FOUND'),
  bad('a slash more', get('/v1//docs/notes/text'), 'NOT_FOUND'),
  bad('no slash', request(['GET v1/docs/notes HTTP/1.1', HOST])),
  bad('a star', request(['OPTIONS * HTTP/1.1', HOST]), 'NOT_FOUND'),
  bad('a whole address of another path', get('http://evil.example/none'), 'NOT_FOUND'),
  bad('a NUL, encoded', get('/v1/docs/notes/%00'), 'NAME_INVALID'),
  bad('a line break, encoded', get('/v1/docs/notes/a%0d%0aX-A:b'), 'NAME_INVALID'),
  bad('a slash in too many bytes', get('/v1/docs/notes/%c0%af'), 'PARAMETER_INVALID'),
  bad('a byte that is no UTF-8', get('/v1/docs/notes/%ff'), 'PARAMETER_INVALID'),
  bad('half a surrogate pair', get('/v1/docs/notes/%ed%a0%80'), 'PARAMETER_INVALID'),
  bad('a percent sign and letters', get('/v1/docs/notes/%zz'), 'PARAMETER_INVALID'),
  bad('a percent sign alone', get('/v1/docs/%'), 'PARAMETER_INVALID'),
  bad('half a sequence of UTF-8', get('/v1/docs/notes/%e2%82'), 'PARAMETER_INVALID'),
  bad('a name of 256 characters', get(`/v1/docs/notes/${'n'.repeat(256)}`), 'NAME_INVALID'),
  bad('a broken parameter', get('/v1/docs/notes/text?v=%'), 'PARAMETER_INVALID'),
  bad('a parameter that is a list', get('/v1/docs/notes/text?v[]=1'), 'PARAMETER_INVALID'),
  bad('a parameter that is an object', get('/v1/docs/notes/text?v[__proto__]=1'), 'PARAMETER_INVALID'),
]

const KEY = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='
const VERSION = 'Sec-WebSocket-Version: 13'
const SWITCH = ['Connection: Upgrade', 'Upgrade: websocket']
const upgrade = (headers: readonly string[], path = '/ws', method = 'GET') =>
  request([`${method} ${path} HTTP/1.1`, HOST, ...headers])

const upgrades: readonly BadBytes[] = [
  bad('an upgrade without a key', upgrade([...SWITCH, VERSION]), 'UPGRADE_INVALID'),
  bad(
    'an upgrade with a short key',
    upgrade([...SWITCH, VERSION, 'Sec-WebSocket-Key: abc']),
    'UPGRADE_INVALID',
  ),
  bad('an upgrade with two keys', upgrade([...SWITCH, VERSION, KEY, KEY])),
  bad('an upgrade without a version', upgrade([...SWITCH, KEY]), 'UPGRADE_INVALID'),
  bad('an upgrade to version 12', upgrade([...SWITCH, KEY, 'Sec-WebSocket-Version: 12']), 'UPGRADE_INVALID'),
  bad('an upgrade to two versions', upgrade([...SWITCH, KEY, VERSION, 'Sec-WebSocket-Version: 8'])),
  bad('an upgrade by post', upgrade([...SWITCH, KEY, VERSION], '/ws', 'POST'), 'UPGRADE_INVALID'),
  bad('an upgrade elsewhere', upgrade([...SWITCH, KEY, VERSION], '/v1/docs/notes'), 'NOT_FOUND'),
  bad('an upgrade below', upgrade([...SWITCH, KEY, VERSION], '/ws/x'), 'NOT_FOUND'),
  bad('an upgrade at an address that is none', upgrade([...SWITCH, KEY, VERSION], '//'), 'NOT_FOUND'),
  bad(
    'an upgrade to a subprotocol',
    upgrade([...SWITCH, KEY, VERSION, 'Sec-WebSocket-Protocol: bearer, TOKEN']),
    'UPGRADE_INVALID',
  ),
  bad(
    'an upgrade with the token in the address',
    upgrade([...SWITCH, KEY, VERSION], '/ws?token=TOKEN'),
    'UPGRADE_INVALID',
  ),
  bad(
    'an upgrade with the access_token in the address',
    upgrade([...SWITCH, KEY, VERSION], '/ws?a=1&access_token=TOKEN'),
    'UPGRADE_INVALID',
  ),
  bad(
    'an upgrade by a foreign page',
    upgrade([...SWITCH, KEY, VERSION, 'Origin: https://evil.example']),
    'ORIGIN_REFUSED',
  ),
  bad(
    'an upgrade by a page that is a file',
    upgrade([...SWITCH, KEY, VERSION, 'Origin: null']),
    'ORIGIN_REFUSED',
  ),
  bad(
    'an upgrade by two pages',
    upgrade([...SWITCH, KEY, VERSION, 'Origin: http://holdfast', 'Origin: https://evil.example']),
  ),
  bad('an upgrade without a host', request(['GET /ws HTTP/1.1', ...SWITCH, KEY, VERSION])),
  bad(
    'an upgrade to HTTP/2',
    upgrade(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']),
    'NOT_FOUND',
  ),
  bad(
    'an upgrade that the connection does not name',
    upgrade(['Upgrade: websocket', KEY, VERSION]),
    'NOT_FOUND',
  ),
]

export const bytes = [...lines, ...headers, ...smuggling, ...paths, ...upgrades]
