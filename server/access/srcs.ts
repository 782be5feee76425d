/** Which principal uses which `src` in the sessions that are open: what is written is kept by the store (`Store.claim`). */
export class LiveSrcs {
  readonly #users = new Map<string, { readonly who: string; sessions: number }>()

  /** False if somebody else uses it. Whoever got it lets go of it again. */
  take(src: string, who: string): boolean {
    if (this.isOfAnother(src, who)) return false
    const user = this.#users.get(src) ?? { who, sessions: 0 }
    user.sessions++
    this.#users.set(src, user)
    return true
  }

  release(src: string): void {
    const user = this.#users.get(src)
    if (user && --user.sessions === 0) this.#users.delete(src)
  }

  isOfAnother(src: string, who: string): boolean {
    const user = this.#users.get(src)
    return user !== undefined && user.who !== who
  }
}
