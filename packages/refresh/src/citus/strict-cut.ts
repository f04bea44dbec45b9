import { type Database, displayName, FreshetError, GIVE_WAY, identifier, join, readSettings, sql } from '@freshet/core'
import type { Definition } from '../definition.ts'

/**
 * Between two nodes a commit is not one moment: a snapshot of one may show a transaction that a snapshot of the other does
 * not show yet. Where the setting `citus_strict_cut` asks for it, writers to the placed sources are held off while the
 * snapshots are taken: LOCK TABLE in SHARE mode waits on every node for those that have written, who keep their locks until
 * all nodes have committed; then no transaction is in part of the cut.
 *
 * What remains is a transaction that a node has prepared, and whose end it was not told: then there is no cut, and the
 * refresh gives up, to be tried again.
 *
 * `taken` is called when the snapshots are there, and lets the writers go on.
 */
export async function withStrictCut<T>(
  database: Database,
  members: readonly Definition[],
  work: (taken: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const tables = await placedTables(database, members)
  if (tables.length === 0 || !(await readSettings(database)).citus_strict_cut) return work(async () => undefined)
  let letGo: () => void = () => undefined
  const goOn = new Promise<void>((resolve) => (letGo = resolve))
  let isLocked: () => void = () => undefined
  const locked = new Promise<void>((resolve) => (isLocked = resolve))
  const holding = database.transaction(async (transaction) => {
    await transaction.query(GIVE_WAY)
    const names = tables.map(({ schema, table }) => identifier(schema, table))
    await transaction.query(sql`lock table ${join(names)} in share mode`)
    const [prepared] = await transaction.query<{ some: boolean }>(PREPARED)
    if (prepared?.some !== false)
      throw new FreshetError(
        'TRANSACTION_CONFLICT',
        `a transaction on ${displayName(tables[0] ?? EMPTY)} is prepared and has not ended`,
      )
    isLocked()
    await goOn
  })
  try {
    // who does not get the lock fails here
    await Promise.race([locked, holding])
    return await work(async () => {
      letGo()
      await holding
    })
  } finally {
    letGo()
    await holding
  }
}

const EMPTY = { schema: '', table: '' }

/** Of any node, by Citus, in this database. */
const PREPARED = sql`
  select coalesce(bool_or(not success or result <> '0'), true) as some from run_command_on_all_nodes(
    'select count(*) from pg_catalog.pg_prepared_xacts where gid like ''citus\\_%'' and database = current_database()')`

/** But for stream tables: with their refreshes a reader takes turns anyway. */
async function placedTables(
  database: Database,
  members: readonly Definition[],
): Promise<readonly { readonly schema: string; readonly table: string }[]> {
  const names = members.flatMap(({ placed }) => placed)
  if (names.length === 0) return []
  const captured = await database.query<{ name: string }>(
    sql`select stable_name as name from freshet.source where stable_name = any(${names}::text[]) and capture <> 'refresh'`,
    { prepared: true },
  )
  const written = new Set(captured.map(({ name }) => name))
  const placed = members.flatMap(({ plan, placed: names }) =>
    plan.sources.filter(({ stableName }) => names.includes(stableName) && written.has(stableName)),
  )
  return [...new Map(placed.map((source) => [source.oid, source])).values()].toSorted((a, b) => a.oid - b.oid)
}
