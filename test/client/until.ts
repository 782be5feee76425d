import type { Doc, Truth } from '../../client/api.ts'

/** Resolves when the document's truth satisfies `is`. */
export function until<Data>(doc: Doc<Data>, is: (truth: Truth) => boolean): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (!is(doc.truth)) return
      off()
      resolve()
    }
    const off = doc.on('truth', look)
    look()
  })
}
