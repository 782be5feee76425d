/** Delta, the op and document format of Quill; quill-delta is CommonJS, whose types hide the class behind `default`. */

import library from 'quill-delta'

export const Delta = library.default
export type Delta = InstanceType<typeof Delta>
export type { AttributeMap, Op } from 'quill-delta'

/** Length of an op in UTF-16 units. */
export const lengthOfOp = library.Op.length
