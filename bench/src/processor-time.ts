import { readFile } from 'node:fs/promises'
import type pg from 'pg'

/** Of the client's backend, in milliseconds; the kernel counts it in nanoseconds. */
export async function processorTime(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return Number((await readFile(`/proc/${rows[0]?.pid}/schedstat`, 'utf8')).split(' ')[0]) / 1e6
}
