/** The name under which the others see us, kept in this browser. */

import { nameLength } from '../binding/index.ts'
import { randomName } from '../widget/names.ts'

const key = 'holdfast:name'

/** The name that was set here, else a random one that stays. */
export function myName(): string {
  const name = read()?.trim().slice(0, nameLength)
  if (name) return name
  return keepName(randomName())
}

export function keepName(name: string): string {
  const kept = name.trim().slice(0, nameLength) || randomName()
  try {
    localStorage.setItem(key, kept)
  } catch {
    // A browser that keeps nothing: the name lasts as long as the page.
  }
  return kept
}

function read(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
