/** A process that starts a Postgres, says where it is, and does nothing more until it is killed. */

import { startPostgres } from './postgres.ts'

const { url, dir, pid, port } = await startPostgres()
console.log(JSON.stringify({ url, dir, pid, port }))
