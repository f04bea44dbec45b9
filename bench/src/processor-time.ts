import { readdir, readFile } from 'node:fs/promises'
import type pg from 'pg'

/** What processes of this machine have used, in milliseconds, from /proc; the kernel counts it in nanoseconds. */
export async function processorTime(client: pg.Client): Promise<number> {
  return ownTime(await backendOf(client))
}

/** Of all threads of a process. */
export async function processTime(pid: number): Promise<number> {
  const times = await Promise.all((await readdir(`/proc/${pid}/task`)).map((task) => ownTime(`${pid}/task/${task}`)))
  return times.reduce((sum, each) => sum + each, 0)
}

/** Of the client's server: its first process, those that it has now, and those that have ended. */
export async function serverTime(client: pg.Client): Promise<number> {
  const server = (await statOf(await backendOf(client))).parent
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const living = await Promise.all(pids.map(async (pid) => ((await statOf(pid)).parent === server ? ownTime(pid) : 0)))
  return (await ownTime(server)) + (await statOf(server)).endedMs + living.reduce((sum, each) => sum + each, 0)
}

async function backendOf(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return String(rows[0]?.pid)
}

/** A process that has ended meanwhile counts as 0. */
async function ownTime(task: string): Promise<number> {
  return Number((await proc(`${task}/schedstat`)).split(' ')[0]) / 1e6
}

/** The kernel counts what ended children have used in ticks, of a hundredth of a second on every Linux. */
async function statOf(pid: string): Promise<{ readonly parent: string; readonly endedMs: number }> {
  const fields = (await proc(`${pid}/stat`)).replace(/^.*\) /s, '').split(' ')
  return { parent: fields[1] ?? '', endedMs: (Number(fields[13]) + Number(fields[14])) * 10 }
}

async function proc(path: string): Promise<string> {
  try {
    return await readFile(`/proc/${path}`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
    throw error
  }
}
