import {
  DEFAULT_PATIENCE,
  type Fragment,
  FreshetError,
  isVisible,
  parseSnapshot,
  type Queryable,
  snapshotLeq,
  sql,
  withPatience,
} from '@freshet/core'
import type { RefreshContext } from './context.ts'
import { type Definition, findDefinition, loadDefinition, nameOf } from './definition.ts'
import { releaseUnread } from './drop.ts'
import { startEmitting } from './emission.ts'
import { whenFree } from './full.ts'

/**
 * A feed's hold on the output delta of a stream table. Its position F is a snapshot, like everybody's, and it has seen
 * everything up to F as long as
 *
 *   began ∈ F      the output delta has been written without a gap since a transaction that F shows
 *   trimmed ≤ F    what was removed from the change buffer, F shows too
 *
 * The row in the catalog only keeps the second one true: clean-up does not pass what it has acknowledged. So a position
 * may be good although its row is gone, and a new row is made for it.
 */
export interface OpenSubscription {
  /** Of the row that holds. */
  readonly id: string
  readonly streamTable: number
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly stableName: string
  readonly columns: readonly string[]
  readonly keyColumns: readonly string[]
  /** Where it begins: the position asked for, or the present. */
  readonly snapshot: string
  /** The rows of the stream table are on other nodes. */
  readonly onNodes: boolean
}

/** A position to go on from, and the row that held it until now. */
export interface ResumedPosition {
  readonly snapshot: string
  readonly id: string
}

/** Null: from the present on. `check` sees the stable name before anything is done. */
export async function openSubscription(
  context: RefreshContext,
  name: string,
  resumed: ResumedPosition | null,
  check: (stableName: string) => void = () => undefined,
): Promise<OpenSubscription> {
  const { database } = context
  const definition = await findDefinition(database, name)
  if (definition.status === 'initializing')
    throw new FreshetError('USAGE', `${nameOf(definition)} is still being filled`, {
      hint: 'Wait until its creation is done.',
    })
  check(definition.stableName)
  // Written down and committed first: from here on nobody ends the output delta, and clean-up stands still.
  const [row] = await database.query<{ id: string }>(sql`
    insert into freshet.subscription (stream_table_id) values (${definition.id}) returning subscription_id::text as id`)
  if (row === undefined) throw new FreshetError('INTERNAL', 'a subscription was not recorded')
  try {
    if (!(await isEmitting(database, definition)))
      await whenFree(database, definition.id, async (transaction) =>
        startEmitting(transaction, await loadDefinition(transaction, definition.id)),
      )
    const snapshot = await withPatience(database, DEFAULT_PATIENCE, (transaction) =>
      begin(transaction, definition, row.id, resumed),
    )
    const { id: streamTable, schema, table, stableName, plan } = definition
    const columns = plan.tables.at(-1)?.visibleColumns ?? []
    const { keyColumns } = plan
    return {
      id: row.id,
      streamTable,
      name: nameOf(definition),
      schema,
      table,
      stableName,
      columns,
      keyColumns,
      snapshot,
      onNodes: plan.output !== undefined,
    }
  } catch (error) {
    // where that fails as well, the row holds until its time is over
    await Promise.allSettled([closeSubscription(context, row.id)])
    throw error
  }
}

/** Behind a lock that clean-up takes too: what it looks at stays so until the position is recorded. */
async function begin(
  transaction: Queryable,
  definition: Definition,
  id: string,
  resumed: ResumedPosition | null,
): Promise<string> {
  await transaction.query(sql`select from freshet.source where stable_name = ${definition.stableName} for share`)
  const state = await outputState(transaction, definition.stableName)
  const snapshot = resumed?.snapshot ?? state?.now ?? ''
  requireUnbroken(nameOf(definition), state, snapshot)
  await transaction.query(sql`
    update freshet.subscription set acknowledged = ${snapshot}, acknowledged_at = clock_timestamp()
    where subscription_id = ${id}::bigint`)
  if (resumed !== null)
    await transaction.query(sql`
      delete from freshet.subscription
      where subscription_id = ${resumed.id}::bigint and stream_table_id = ${definition.id} and channel is null`)
  return snapshot
}

/** Of an output delta: since when it has been written without a gap, what may be gone from it, and the present. */
export interface OutputState {
  readonly began: string
  readonly trimmed: string | null
  readonly now: string
}

/** Null when it is not written. */
async function outputState(queryable: Queryable, stableName: string): Promise<OutputState | null> {
  const [state] = await queryable.query<OutputState>(outputStateStatement(stableName), { prepared: true })
  return state ?? null
}

export function outputStateStatement(stableName: string): Fragment {
  return sql`
    select s.began::text as began, s.trimmed, pg_current_snapshot()::text as now
    from freshet.source s where s.stable_name = ${stableName} and s.capture = 'refresh'`
}

/** Throws unless whoever has read up to `snapshot` can be told all that came after. */
export function requireUnbroken(name: string, state: OutputState | null, snapshot: string): void {
  const seen = parseSnapshot(snapshot)
  if (state !== null && !snapshotLeq(seen, parseSnapshot(state.now)))
    throw new FreshetError('FEED_TOKEN_INVALID', `the token is ahead of ${name}`, {
      detail: 'The database was set back to an earlier time.',
      hint: 'Begin anew: subscribe without a token.',
    })
  if (state === null || !isVisible(BigInt(state.began), seen))
    throw new FreshetError('FEED_TOKEN_EXPIRED', `the changes of ${name} since then were not all recorded`, {
      detail: 'It was altered or created anew meanwhile, or nobody subscribed to it for a while.',
    })
  if (state.trimmed !== null && !snapshotLeq(parseSnapshot(state.trimmed), seen))
    throw new FreshetError('FEED_TOKEN_EXPIRED', `the changes of ${name} since then were removed`)
}

async function isEmitting(queryable: Queryable, { id }: Definition): Promise<boolean> {
  const { emits, stableName } = await loadDefinition(queryable, id)
  return emits && (await outputState(queryable, stableName)) !== null
}

/** What these subscriptions have handled may go. */
export async function acknowledge(queryable: Queryable, positions: ReadonlyMap<string, string>): Promise<void> {
  await queryable.query(
    sql`update freshet.subscription s set acknowledged = a.snapshot, acknowledged_at = clock_timestamp()
      from unnest(${[...positions.keys()]}::bigint[], ${[...positions.values()]}::text[]) a (id, snapshot)
      where s.subscription_id = a.id`,
    { prepared: true },
  )
}

/** These are alive, and have handled what they had. */
export async function touch(queryable: Queryable, ids: readonly string[]): Promise<void> {
  await queryable.query(
    sql`update freshet.subscription set acknowledged_at = clock_timestamp() where subscription_id = any(${[...ids]}::bigint[])`,
    { prepared: true },
  )
}

/** Lets go; when nobody else reads the stream table, it stops writing its output delta. */
export async function closeSubscription(context: RefreshContext, id: string): Promise<void> {
  const [row] = await context.database.query<{ stableName: string }>(sql`
    delete from freshet.subscription s using freshet.stream_table t
    where s.subscription_id = ${id}::bigint and t.stream_table_id = s.stream_table_id and s.channel is null
    returning t.stable_name as "stableName"`)
  if (row !== undefined) await releaseUnread(context, [row.stableName])
}
