/** How each kind of bad input is sent, and that it is refused as its row says. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { errors, isErrorCode } from '../../../ops/errors.ts'
import { ask } from '../api/asking.ts'
import { type AnyFrame, dial, type RawClient } from '../scene.ts'
import type { Site } from './site.ts'
import type { Bad, BadBytes, BadFrame, BadRequest, BadToken, BadWire } from './table.ts'

export function refused(site: Site, row: Bad): Promise<void> {
  switch (row.kind) {
    case 'frame':
      return frameRefused(site, row)
    case 'request':
      return requestRefused(site, row)
    case 'bytes':
      return bytesRefused(site, row)
    case 'wire':
      return wireRefused(site, row)
    case 'token':
      return tokenRefused(site, row)
  }
}

const hello = (token: string) => ({ a: 'hs', id: 'x', protocol: 1, protocolMinor: 2, holdfast: 1, token })

async function greeted({ url, token }: Site): Promise<RawClient> {
  const client = await dial({ url })
  await client.ask(hello(token), { a: 'hs', id: 'x' })
  return client
}

async function frameRefused(site: Site, { send, code, close }: BadFrame): Promise<void> {
  const client = await greeted(site)
  client.send(send)
  const early = client.closed.then(end => assert.fail(`closed with ${end.code} before an answer`))
  check((await Promise.race([early, errorOn(client)])).error, code)
  if (close !== undefined) {
    const entry: { close?: number } = errors[code]
    assert.equal(entry.close, close)
    assert.deepEqual(await client.closed, { code: close, reason: code })
    return
  }
  assert.deepEqual(await client.ask({ a: 'pp' }, { a: 'pp' }), { a: 'pp' }, 'the connection goes on')
  early.catch(() => {})
  client.close()
}

async function errorOn(client: RawClient): Promise<AnyFrame> {
  for (;;) {
    const frame = client.frames.find(each => each.error)
    if (frame) return frame
    await new Promise(resolve => client.socket.once('message', resolve))
  }
}

async function requestRefused(site: Site, { path, code, ...asking }: BadRequest): Promise<void> {
  const headers = { authorization: `Bearer ${site.token}`, ...asking.headers }
  const { status, body } = await ask(site, path, { ...asking, headers })
  assert.equal(status, errors[code].http)
  check(body.error, code)
}

async function bytesRefused({ port, token }: Site, { bytes, code }: BadBytes): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes.replaceAll('TOKEN', token), 'latin1')
  let text = ''
  for await (const part of socket) {
    text += part
    if (isWhole(text)) break
  }
  socket.destroy()
  assert.ok(isWhole(text), `an answer, not ${JSON.stringify(text.slice(0, 300))}`)
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)![1])
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  check(JSON.parse(body).error, code)
  assert.equal(status, errors[code].http)
}

/** Whether the first answer is there, to the end of its body. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1])
  return end >= 0 && text.length >= end + 4 + length
}

async function wireRefused(site: Site, { bytes, close }: BadWire): Promise<void> {
  const client = await greeted(site)
  const { _socket: stream } = client.socket as unknown as { _socket: NodeJS.WritableStream }
  stream.write(bytes)
  assert.equal((await client.closed).code, close)
}

async function tokenRefused(site: Site, { make, code }: BadToken): Promise<void> {
  const token = await make(site.signer)
  const client = await dial(site)
  const answer = await client.ask(hello(token), { a: 'hs' })
  check(answer.error, code)
  assert.deepEqual(await client.closed, { code: 4401, reason: code })
  const { status, body, headers } = await ask(site, '/v1/docs/notes/text', {
    headers: { authorization: `Bearer ${token}` },
  })
  assert.equal(status, 401)
  assert.match(headers.get('www-authenticate') ?? '', /invalid_token/)
  check(body.error, code)
  assert.ok(!JSON.stringify([client.frames, body]).includes(token), 'the token is not repeated')
}

/** The code, in words that say something to the sender and nothing about our insides. */
function check(error: { code: string; message: string }, code: string): void {
  assert.equal(error.code, code, error.message)
  assert.ok(isErrorCode(code))
  assert.ok(error.message.length > 10, 'the message says something')
  assert.doesNotMatch(error.message, /\bat .*:\d+|SELECT|INSERT INTO|node_modules/)
}
