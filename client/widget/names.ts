/** Friendly names for people who have not said theirs. */

const manners = ['Quiet', 'Swift', 'Merry', 'Brave', 'Gentle', 'Bright', 'Calm', 'Curious', 'Kind', 'Patient']
const animals = ['Otter', 'Heron', 'Badger', 'Lynx', 'Wren', 'Hare', 'Seal', 'Finch', 'Marten', 'Swallow']

const one = (words: readonly string[]): string => words[Math.floor(Math.random() * words.length)] ?? ''

export const randomName = (): string => `${one(manners)} ${one(animals)}`
