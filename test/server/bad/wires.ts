/** What no WebSocket library would send: frames that break the protocol (RFC 6455, 5). */

import type { BadWire } from './table.ts'

const MASK = [1, 2, 3, 4]

interface Parts {
  readonly opcode: number
  readonly payload?: Uint8Array
  readonly end?: boolean
  /** The three bits that only extensions may set. */
  readonly reserved?: number
  readonly masked?: boolean
  /** What the header says, in place of the payload's own length. */
  readonly length?: readonly number[]
}

const { from } = Buffer

export function frame({
  opcode,
  payload = from(''),
  end = true,
  reserved = 0,
  masked = true,
  length,
}: Parts): Uint8Array {
  const [first, ...rest] = length ?? lengthOf(payload.length)
  const head = [(end ? 0x80 : 0) | (reserved << 4) | opcode, (masked ? 0x80 : 0) | first!, ...rest]
  const body = masked ? payload.map((byte, i) => byte ^ MASK[i % 4]!) : payload
  return Buffer.concat([from(head), from(masked ? MASK : []), body])
}

const lengthOf = (n: number): number[] => (n < 126 ? [n] : [126, n >> 8, n & 0xff])

const TEXT = 1
const CLOSE = 8
const PING = 9
const ping = from('{"a":"pp"}')

export const wires: readonly BadWire[] = [
  {
    what: 'a frame without a mask',
    bytes: frame({ opcode: TEXT, payload: ping, masked: false }),
    close: 1002,
  },
  { what: 'a reserved bit', bytes: frame({ opcode: TEXT, payload: ping, reserved: 1 }), close: 1002 },
  {
    what: 'a packed frame that was not agreed on',
    bytes: frame({ opcode: TEXT, payload: ping, reserved: 4 }),
    close: 1002,
  },
  { what: 'an opcode that is none', bytes: frame({ opcode: 3, payload: ping }), close: 1002 },
  { what: 'a control opcode that is none', bytes: frame({ opcode: 11 }), close: 1002 },
  { what: 'a part of nothing', bytes: frame({ opcode: 0, payload: ping }), close: 1002 },
  {
    what: 'a text in the middle of another',
    bytes: Buffer.concat([
      frame({ opcode: TEXT, payload: ping, end: false }),
      frame({ opcode: TEXT, payload: ping }),
    ]),
    close: 1002,
  },
  { what: 'a ping in parts', bytes: frame({ opcode: PING, end: false }), close: 1002 },
  { what: 'a ping of 126 bytes', bytes: frame({ opcode: PING, payload: Buffer.alloc(126) }), close: 1002 },
  {
    what: 'a text that is no UTF-8',
    bytes: frame({ opcode: TEXT, payload: from([0x22, 0xff, 0x22]) }),
    close: 1007,
  },
  {
    what: 'half a surrogate pair as UTF-8',
    bytes: frame({ opcode: TEXT, payload: from([0xed, 0xa0, 0x80]) }),
    close: 1007,
  },
  { what: 'a goodbye of one byte', bytes: frame({ opcode: CLOSE, payload: from([3]) }), close: 1002 },
  {
    what: 'a goodbye with a code that is none',
    bytes: frame({ opcode: CLOSE, payload: from([0x03, 0xed]) }),
    close: 1002,
  },
  {
    what: 'a goodbye that is no UTF-8',
    bytes: frame({ opcode: CLOSE, payload: from([3, 0xe8, 0xff]) }),
    close: 1007,
  },
  {
    what: 'a length of 2^53 and more',
    bytes: frame({ opcode: TEXT, length: [127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] }),
    close: 1009,
  },
  {
    what: 'a length of a gigabyte',
    bytes: frame({ opcode: TEXT, length: [127, 0, 0, 0, 0, 0x40, 0, 0, 0] }),
    close: 1009,
  },
  {
    what: 'a text in more parts than may be',
    bytes: Buffer.concat([
      frame({ opcode: TEXT, payload: ping, end: false }),
      ...Array(1100).fill(frame({ opcode: 0, end: false })),
    ]),
    close: 1008,
  },
]
