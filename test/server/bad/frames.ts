/** What a broken or hostile client says after its greeting. Of the collection `bad`, `text`, `json` and `rich` exist, `none` does not. */

import { type AnyFrame, JSON1, RICH, TEXT } from '../scene.ts'
import type { BadFrame } from './table.ts'

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const op = (fields: AnyFrame): AnyFrame => ({
  a: 'op',
  c: 'bad',
  d: 'text',
  v: 1,
  src: 'x',
  seq: 1,
  ...fields,
})
const edit = (d: string, change: unknown, v: number | null = 1) => op({ d, v, op: change })
const create = (type: unknown, data: unknown): AnyFrame => op({ d: 'none', v: 0, create: { type, data } })
const raw = (text: string) => text.replaceAll('DOC', '"c":"bad","d":"text"')

const unreadable: readonly BadFrame[] = [
  { what: 'an empty frame', send: '', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'half a frame', send: '{"a":"op"', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'a frame with more behind it', send: '{"a":"pp"}{"a":"pp"}', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'null', send: 'null', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'a number', send: '7', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'a string', send: '"op"', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'an empty array', send: '[]', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'an array of something else', send: '[7]', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'an array in an array', send: '[[{"a":"pp"}]]', code: 'FRAME_MALFORMED', close: 4400 },
  {
    what: 'more frames than one message may hold',
    send: JSON.stringify(Array(257).fill({ a: 'pp' })),
    code: 'FRAME_MALFORMED',
    close: 4400,
  },
  { what: 'an empty object', send: '{}', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'NaN', send: '{"a":"s","c":"bad","d":"text","v":NaN}', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'bytes', send: Buffer.from('{"a":"pp"}'), code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'no bytes', send: new Uint8Array(), code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'an unknown action', send: { a: 'drop' }, code: 'FRAME_MALFORMED', close: 4400 },
  {
    what: 'an action that every object has',
    send: { a: 'constructor' },
    code: 'FRAME_MALFORMED',
    close: 4400,
  },
  { what: '__proto__ as the action', send: '{"a":"__proto__"}', code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'an action that is an object', send: { a: { a: 'op' } }, code: 'FRAME_MALFORMED', close: 4400 },
  { what: 'an action of the server', send: { a: 'h.error' }, code: 'FRAME_MALFORMED', close: 4400 },
  { what: '6,000 nested arrays', send: nested(6000), code: 'FRAME_TOO_DEEP', close: 4400 },
  { what: 'half a million open arrays', send: '['.repeat(500_000), code: 'FRAME_TOO_DEEP', close: 4400 },
  {
    what: 'a frame too large for anything',
    send: `"${'x'.repeat(1_100_000)}"`,
    code: 'FRAME_TOO_LARGE',
    close: 1009,
  },
]

const malformed: readonly BadFrame[] = [
  {
    what: 'a handshake in another protocol',
    send: { a: 'hs', protocol: 2 },
    code: 'PROTOCOL_VERSION',
    close: 4400,
  },
  {
    what: 'a handshake in another holdfast',
    send: { a: 'hs', protocol: 1, holdfast: 9 },
    code: 'PROTOCOL_VERSION',
    close: 4400,
  },
  {
    what: 'a second handshake as another',
    send: { a: 'hs', protocol: 1, id: 'victim' },
    code: 'FRAME_MALFORMED',
    close: 4400,
  },
  {
    what: 'a handshake with an object as id',
    send: { a: 'hs', protocol: 1, id: {} },
    code: 'FRAME_MALFORMED',
  },
  { what: 'an op without a change', send: op({}), code: 'FRAME_MALFORMED' },
  { what: 'an op that edits and deletes', send: op({ op: [], del: true }), code: 'FRAME_MALFORMED' },
  { what: 'an op that deletes no more than false', send: op({ del: false }), code: 'FRAME_MALFORMED' },
  { what: 'an op at a negative version', send: op({ op: ['x'], v: -1 }), code: 'FRAME_MALFORMED' },
  { what: 'an op at half a version', send: op({ op: ['x'], v: 0.5 }), code: 'FRAME_MALFORMED' },
  { what: 'an op at a version that is text', send: op({ op: ['x'], v: '1' }), code: 'FRAME_MALFORMED' },
  {
    what: 'an op at a version without end',
    send: raw('{"a":"op",DOC,"v":1e999,"src":"x","seq":1,"op":[]}'),
    code: 'FRAME_MALFORMED',
  },
  { what: 'seq 0', send: op({ op: ['x'], seq: 0 }), code: 'FRAME_MALFORMED' },
  { what: 'a negative seq', send: op({ op: ['x'], seq: -5 }), code: 'FRAME_MALFORMED' },
  { what: 'half a seq', send: op({ op: ['x'], seq: 1.5 }), code: 'FRAME_MALFORMED' },
  { what: 'a seq past all integers', send: op({ op: ['x'], seq: 2 ** 53 }), code: 'FRAME_MALFORMED' },
  { what: 'no seq', send: op({ op: ['x'], seq: undefined }), code: 'FRAME_MALFORMED' },
  { what: 'a seq that is text', send: op({ op: ['x'], seq: '1' }), code: 'FRAME_MALFORMED' },
  { what: 'an empty src', send: op({ op: ['x'], src: '' }), code: 'FRAME_MALFORMED' },
  {
    what: 'a src of 10,000 characters',
    send: op({ op: ['x'], src: 's'.repeat(10_000) }),
    code: 'FRAME_MALFORMED',
  },
  { what: 'a src that is an object', send: op({ op: ['x'], src: { toString: 1 } }), code: 'FRAME_MALFORMED' },
  {
    what: 'a collection that is a list',
    send: { a: 's', c: ['bad'], d: 'text' },
    code: 'FRAME_MALFORMED',
    close: 4400,
  },
  {
    what: 'a subscription without a document',
    send: { a: 's', c: 'bad' },
    code: 'FRAME_MALFORMED',
    close: 4400,
  },
  { what: 'a bulk request of everything', send: { a: 'bs', c: 'bad', b: '*' }, code: 'FRAME_MALFORMED' },
  { what: 'a bulk request of numbers', send: { a: 'bf', c: 'bad', b: [1, 2] }, code: 'FRAME_MALFORMED' },
  {
    what: 'a bulk request with odd versions',
    send: { a: 'bs', c: 'bad', b: { text: 'one' } },
    code: 'FRAME_MALFORMED',
  },
  { what: 'a query', send: { a: 'qf', id: 1, c: 'bad', q: {} }, code: 'FRAME_MALFORMED' },
  {
    what: 'a subscribed query',
    send: { a: 'qs', id: 1, c: 'bad', q: { $where: '1' } },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'a snapshot at a negative version',
    send: { a: 'nf', id: 1, c: 'bad', d: 'text', v: -1 },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'a catch-up from text',
    send: { a: 'h.catchup', c: 'bad', d: 'text', v: '0', own: [] },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'a catch-up without names',
    send: { a: 'h.catchup', c: 'bad', d: 'text', v: 0 },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'a catch-up with half a name',
    send: { a: 'h.catchup', c: 'bad', d: 'text', v: 0, own: [['x']] },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'presence without a version',
    send: { a: 'p', ch: 'room', id: 'me', p: {} },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'presence on half a document',
    send: { a: 'p', ch: 'room', id: 'me', p: 1, pv: 1, c: 'bad' },
    code: 'FRAME_MALFORMED',
  },
  { what: 'presence on no channel', send: { a: 'ps', seq: 1 }, code: 'FRAME_MALFORMED', close: 4400 },
  {
    what: 'an op frame that is too deep',
    send: op({ d: 'json', op: JSON.parse(nested(300)) }),
    code: 'FRAME_TOO_DEEP',
  },
  {
    what: 'an op frame that is too large',
    send: op({ op: ['x'.repeat(1_100_000)] }),
    code: 'FRAME_TOO_LARGE',
  },
]

const names: readonly BadFrame[] = [
  { what: 'no name', send: { a: 's', c: 'bad', d: '' }, code: 'NAME_INVALID' },
  { what: 'a long name', send: { a: 's', c: 'bad', d: 'n'.repeat(256) }, code: 'NAME_INVALID' },
  { what: '__proto__ as the document', send: { a: 's', c: 'bad', d: '__proto__' }, code: 'NAME_INVALID' },
  {
    what: '__proto__ as the collection',
    send: { a: 'f', c: '__proto__', d: 'polluted' },
    code: 'NAME_INVALID',
  },
  { what: 'constructor as the document', send: op({ d: 'constructor', op: [] }), code: 'NAME_INVALID' },
  {
    what: '__proto__ in a bulk request',
    send: '{"a":"bs","c":"bad","b":{"__proto__":0}}',
    code: 'NAME_INVALID',
  },
  {
    what: 'toString in a bulk request',
    send: { a: 'bf', c: 'bad', b: ['text', 'toString'] },
    code: 'NAME_INVALID',
  },
  { what: 'half a surrogate pair', send: { a: 's', c: 'bad', d: '\ud800' }, code: 'NAME_INVALID' },
  { what: 'a NUL', send: { a: 's', c: 'bad', d: 'a\0b' }, code: 'NAME_INVALID' },
  { what: '__proto__ as the channel', send: { a: 'ps', ch: '__proto__', seq: 1 }, code: 'NAME_INVALID' },
  {
    what: '__proto__ caught up',
    send: { a: 'h.catchup', c: '__proto__', d: 'x', v: 0, own: [] },
    code: 'NAME_INVALID',
  },
]

const contents: readonly BadFrame[] = [
  { what: 'a type that nobody knows', send: create('http://example.com/type', 1), code: 'TYPE_UNKNOWN' },
  {
    what: 'a type that ShareDB knows and we do not serve',
    send: create('http://sharejs.org/types/JSONv0', {}),
    code: 'TYPE_UNKNOWN',
  },
  { what: '__proto__ as the type', send: create('__proto__', {}), code: 'TYPE_UNKNOWN' },
  { what: 'a type that is an object', send: create({}, {}), code: 'FRAME_MALFORMED' },
  { what: 'a text that is a number', send: create(TEXT, 7), code: 'DATA_MALFORMED' },
  {
    what: 'a rich document that deletes',
    send: create(RICH, { ops: [{ delete: 3 }] }),
    code: 'DATA_MALFORMED',
  },
  { what: 'a rich document that is text', send: create(RICH, { ops: 'hi' }), code: 'DATA_MALFORMED' },
  {
    what: 'a json document with __proto__',
    send: `{"a":"op","c":"bad","d":"none","v":0,"src":"x","seq":1,"create":{"type":"${JSON1}","data":{"__proto__":{"polluted":1}}}}`,
    code: 'DATA_MALFORMED',
  },
  {
    what: 'a json document nested too deep',
    send: create(JSON1, JSON.parse(nested(100))),
    code: 'OP_TOO_DEEP',
  },
  { what: 'a text op that is no list', send: edit('text', { insert: 'x' }), code: 'OP_MALFORMED' },
  { what: 'a text op that is null', send: edit('text', null), code: 'OP_MALFORMED' },
  { what: 'a text op that skips backwards', send: edit('text', [-1, 'x']), code: 'OP_MALFORMED' },
  { what: 'a text op that skips half', send: edit('text', [0.5, 'x']), code: 'OP_MALFORMED' },
  { what: 'a text op past the end', send: edit('text', [100, 'x']), code: 'OP_MISFIT' },
  { what: 'a text op that deletes past the end', send: edit('text', [{ d: 1e15 }]), code: 'OP_MISFIT' },
  { what: 'an old text op that is malformed', send: edit('text', [{ d: -1 }], 1), code: 'OP_MALFORMED' },
  { what: 'an old text op that does not fit', send: edit('text', [50, 'x'], 1), code: 'OP_MISFIT' },
  { what: 'a json op that picks up nothing', send: edit('json', ['gone', { r: true }]), code: 'OP_MISFIT' },
  {
    what: 'a json op that writes __proto__',
    send: edit('json', ['__proto__', { i: { polluted: 1 } }]),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a json op that writes the constructor',
    send: edit('json', ['constructor', 'prototype', 'polluted', { i: 1 }]),
    code: 'OP_MALFORMED',
  },
  { what: 'a json op with an unknown verb', send: edit('json', ['k', { zap: 1 }]), code: 'OP_MALFORMED' },
  {
    what: 'a json op nested past its limit',
    send: edit('json', ['k', { i: JSON.parse(nested(100)) }]),
    code: 'OP_TOO_DEEP',
  },
  {
    what: 'a rich op that retains 1e15',
    send: edit('rich', { ops: [{ retain: 1e15 }, { insert: 'x' }] }),
    code: 'OP_MISFIT',
  },
  { what: 'a rich op that deletes 1e15', send: edit('rich', { ops: [{ delete: 1e15 }] }), code: 'OP_MISFIT' },
  { what: 'a rich op that retains -1', send: edit('rich', { ops: [{ retain: -1 }] }), code: 'OP_MALFORMED' },
  {
    what: 'a rich op that retains 1.5',
    send: edit('rich', { ops: [{ retain: 1.5 }] }),
    code: 'OP_MALFORMED',
  },
  { what: 'a video', send: edit('rich', { ops: [{ insert: { video: 'x' } }] }), code: 'OP_ATTRIBUTE' },
  {
    what: 'a link that runs a script',
    send: edit('rich', { ops: [{ insert: 'x', attributes: { link: 'javascript:alert(1)' } }] }),
    code: 'OP_ATTRIBUTE',
  },
  { what: 'an edit of what is not there', send: edit('none', ['x'], 0), code: 'ERR_DOC_DOES_NOT_EXIST' },
  {
    what: 'a deletion of what is not there',
    send: op({ d: 'none', v: 0, del: true }),
    code: 'ERR_DOC_DOES_NOT_EXIST',
  },
  {
    what: 'a creation of what is there',
    send: op({ v: 1, create: { type: TEXT, data: '' } }),
    code: 'ERR_DOC_ALREADY_CREATED',
  },
  {
    what: 'an op from the future',
    send: edit('text', ['x'], 999),
    code: 'ERR_OP_VERSION_NEWER_THAN_CURRENT_SNAPSHOT',
  },
  {
    what: 'a catch-up from the future',
    send: { a: 'h.catchup', c: 'bad', d: 'text', v: 999, own: [] },
    code: 'SERVER_BEHIND',
  },
]

const ops: readonly BadFrame[] = [
  { what: 'a text op of true', send: edit('text', [true]), code: 'OP_MALFORMED' },
  { what: 'a text op in a list', send: edit('text', [['x']]), code: 'OP_MALFORMED' },
  { what: 'a text op that inserts nothing', send: edit('text', ['']), code: 'OP_MALFORMED' },
  { what: 'a text op that skips nothing', send: edit('text', [0, 'x']), code: 'OP_MALFORMED' },
  { what: 'a text op that ends with a skip', send: edit('text', ['x', 1]), code: 'OP_MALFORMED' },
  { what: 'a text op that inserts half a pair', send: edit('text', ['\ud800']), code: 'OP_MALFORMED' },
  { what: 'a text op that deletes by an unknown key', send: edit('text', [{ x: 1 }]), code: 'OP_MALFORMED' },
  { what: 'a text op that deletes half', send: edit('text', [{ d: 1.5 }]), code: 'OP_MALFORMED' },
  {
    what: 'a text op that deletes with more to say',
    send: edit('text', [{ d: 1, e: 1 }]),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a text op with __proto__',
    send: raw('{"a":"op",DOC,"v":1,"src":"x","seq":1,"op":[{"__proto__":{"d":1}}]}'),
    code: 'OP_MALFORMED',
  },
  { what: 'a json op that is text', send: edit('json', 'k'), code: 'OP_MALFORMED' },
  { what: 'a json op that is a number', send: edit('json', 7), code: 'OP_MALFORMED' },
  { what: 'a json op of an empty list', send: edit('json', []), code: 'OP_MALFORMED' },
  { what: 'a json op that ends in a key', send: edit('json', ['k']), code: 'OP_MALFORMED' },
  { what: 'a json op with a negative index', send: edit('json', [-1, { i: 1 }]), code: 'OP_MALFORMED' },
  { what: 'a json op with half an index', send: edit('json', [0.5, { i: 1 }]), code: 'OP_MALFORMED' },
  {
    what: 'a json op that drops what it did not pick up',
    send: edit('json', ['k', { d: 0 }]),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a json op that picks up and drops nowhere',
    send: edit('json', ['k', { p: 0 }]),
    code: 'OP_MALFORMED',
  },
  { what: 'a json op with null for a change', send: edit('json', ['k', null]), code: 'OP_MALFORMED' },
  { what: 'a json op into a text that is a list', send: edit('json', ['k', 0, { i: 1 }]), code: 'OP_MISFIT' },
  {
    what: 'a json op that inserts __proto__',
    send: `{"a":"op","c":"bad","d":"json","v":1,"src":"x","seq":1,"op":["n",{"i":{"__proto__":{"polluted":1}}}]}`,
    code: 'OP_MALFORMED',
  },
  {
    what: 'a json op by a type that is not embedded',
    send: edit('json', ['k', { et: 'pdf', e: 1 }]),
    code: 'OP_MALFORMED',
  },
  { what: 'a rich op that is a list', send: edit('rich', [{ insert: 'x' }]), code: 'OP_MALFORMED' },
  { what: 'a rich op without ops', send: edit('rich', {}), code: 'OP_MALFORMED' },
  { what: 'a rich op of null', send: edit('rich', { ops: [null] }), code: 'OP_MALFORMED' },
  {
    what: 'a rich op that inserts nothing',
    send: edit('rich', { ops: [{ insert: '' }] }),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a rich op that inserts a number',
    send: edit('rich', { ops: [{ insert: 7 }] }),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a rich op that inserts and deletes',
    send: edit('rich', { ops: [{ insert: 'x', delete: 1 }] }),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a rich op that inserts half a pair',
    send: edit('rich', { ops: [{ insert: '\ud800' }] }),
    code: 'OP_MALFORMED',
  },
  {
    what: 'a rich op with formats that are a list',
    send: edit('rich', { ops: [{ insert: 'x', attributes: ['bold'] }] }),
    code: 'OP_ATTRIBUTE',
  },
  {
    what: 'a rich op with a format that is none',
    send: edit('rich', { ops: [{ insert: 'x', attributes: { onclick: 'x' } }] }),
    code: 'OP_ATTRIBUTE',
  },
  {
    what: 'a rich op with a format of 257 characters',
    send: edit('rich', { ops: [{ insert: 'x', attributes: { color: 'c'.repeat(257) } }] }),
    code: 'OP_ATTRIBUTE',
  },
  {
    what: 'a rich op with the format __proto__',
    send: `{"a":"op","c":"bad","d":"rich","v":1,"src":"x","seq":1,"op":{"ops":[{"insert":"x","attributes":{"__proto__":true}}]}}`,
    code: 'OP_ATTRIBUTE',
  },
  {
    what: 'a rich op with a picture',
    send: edit('rich', { ops: [{ insert: { image: 'data:text/html,x' } }] }),
    code: 'OP_ATTRIBUTE',
  },
  {
    what: 'a rich op with a formula',
    send: edit('rich', { ops: [{ insert: { formula: 'x' } }] }),
    code: 'OP_ATTRIBUTE',
  },
]

const tokens: readonly BadFrame[] = [
  { what: 'a new token that is empty', send: { a: 'h.token', token: '' }, code: 'FRAME_MALFORMED' },
  {
    what: 'a new token that is an object',
    send: { a: 'h.token', token: { sub: 'root' } },
    code: 'FRAME_MALFORMED',
  },
  {
    what: 'a new token of 70,000 characters',
    send: { a: 'h.token', token: 't'.repeat(70_000) },
    code: 'FRAME_MALFORMED',
  },
  { what: 'no new token', send: { a: 'h.token' }, code: 'FRAME_MALFORMED' },
]

export const frames: readonly BadFrame[] = [
  ...unreadable,
  ...malformed,
  ...names,
  ...contents,
  ...ops,
  ...tokens,
]
