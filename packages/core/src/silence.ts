import { Client, type ClientBase, type ClientConfig, DatabaseError } from 'pg'

/**
 * A server that does not answer is at work, or is not there any more, and a connection tells no difference when it broke
 * without a word (a firewall forgot it, a host lost its power): it would be waited on for ever. So when an answer takes
 * long, the server is asked over another connection what it does on the first one.
 */
export interface Watched {
  /** Of the server's process at the other end; null when that can not be known. */
  readonly pid: number | null
  /** What has come through the connection so far. */
  bytesRead(): number
  /** Makes everything that waits for it fail. */
  destroy(): void
}

export interface Patience {
  /** How long an answer may take before somebody asks, milliseconds. */
  readonly silenceMs: number
  readonly config: ClientConfig
}

/** The answer; the connection is destroyed when there will be none. */
export async function answered<T>(answer: Promise<T>, watched: Watched, patience: Patience): Promise<T> {
  if (watched.pid === null) return answer
  const watch = { ended: false, timer: undefined as NodeJS.Timeout | undefined }
  const watching = () => {
    const before = watched.bytesRead()
    watch.timer = setTimeout(() => {
      void (async () => {
        const lost = watched.bytesRead() === before && (await isLost(watched, patience, watch))
        if (watch.ended) return
        if (lost) watched.destroy()
        else watching()
      })()
    }, patience.silenceMs)
    watch.timer.unref()
  }
  watching()
  try {
    return await answer
  } finally {
    watch.ended = true
    clearTimeout(watch.timer)
  }
}

/** The server says so, or can not be reached, so often in a row. */
const WITNESSES = 3

async function isLost(watched: Watched, patience: Patience, watch: { readonly ended: boolean }): Promise<boolean> {
  const bytes = watched.bytesRead()
  let since: string | null = null
  for (let witness = 1; witness <= WITNESSES; witness++) {
    const seen = await look(watched.pid, patience)
    if (watch.ended || watched.bytesRead() !== bytes || seen.kind === 'at work' || seen.kind === 'unknown') return false
    // a connection that is used in between is none that hangs
    if (seen.kind === 'idle' && since !== null && seen.since !== since) return false
    if (seen.kind === 'idle') since = seen.since
    if (witness < WITNESSES) await new Promise((resolve) => setTimeout(resolve, patience.silenceMs / 10))
  }
  return true
}

type Seen =
  | { readonly kind: 'at work' }
  /** It has answered, or was never asked; or it can not get rid of its answer. */
  | { readonly kind: 'idle'; readonly since: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'unknown' }

async function look(pid: number | null, { config, silenceMs }: Patience): Promise<Seen> {
  const limit = Math.min(silenceMs, 10_000)
  const client = new Client({ ...config, connectionTimeoutMillis: limit, query_timeout: limit })
  client.on('error', () => undefined) // told by the query as well
  try {
    await client.connect()
    const { rows } = await client.query<{ since: string; busy: boolean }>(
      `select state_change::text as since,
        coalesce(state in ('active', 'fastpath function call') and wait_event is distinct from 'ClientWrite', true) as busy
      from pg_catalog.pg_stat_activity where pid = $1`,
      [pid],
    )
    const [row] = rows
    if (row === undefined) return { kind: 'gone' }
    return row.busy ? { kind: 'at work' } : { kind: 'idle', since: row.since }
  } catch (error) {
    // a server that refuses is there, and may well be at work
    return { kind: error instanceof DatabaseError ? 'unknown' : 'unreachable' }
  } finally {
    end(client)
  }
}

/** Without waiting for the other end. */
function end(client: Client): void {
  const stream = streamOf(client)
  void client.end()
  stream?.destroy()
}

export function watchedConnection(client: ClientBase): Watched & { pid: number | null } {
  const pid: unknown = Reflect.get(client, 'processID')
  return {
    pid: typeof pid === 'number' ? pid : null,
    bytesRead: () => streamOf(client)?.bytesRead ?? 0,
    destroy: () => streamOf(client)?.destroy(),
  }
}

/** The driver's socket; its types do not show it. */
function streamOf(client: ClientBase): { readonly bytesRead: number; destroy(): void } | undefined {
  const wire: unknown = Reflect.get(client, 'connection')
  const stream: unknown = typeof wire === 'object' && wire !== null ? Reflect.get(wire, 'stream') : undefined
  return isStream(stream) ? stream : undefined
}

function isStream(value: unknown): value is { readonly bytesRead: number; destroy(): void } {
  return typeof value === 'object' && value !== null && 'bytesRead' in value && 'destroy' in value
}
