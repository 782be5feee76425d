/**
 * IndexedDB's requests and transactions as promises. What follows on a request goes on in the same transaction if it waits
 * for nothing else.
 *
 * Each settles, whatever happens: a request is told of its failure also when its transaction is aborted under it (AbortError),
 * and a transaction that is not complete is aborted, for which it knows the cause: that of its first failed request, or of
 * itself, as at the quota.
 */

export function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

export function completed(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve()
    tx.onabort = () => reject(tx.error ?? new DOMException('The transaction was aborted.', 'AbortError'))
  })
}

/** Aborts a transaction that may have been aborted already by the failure that brought us here. */
export function abort(tx: IDBTransaction): void {
  try {
    tx.abort()
  } catch {
    // It was.
  }
}
