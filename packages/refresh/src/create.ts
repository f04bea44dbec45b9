import {
  adoptCluster,
  type CaptureChoice,
  checkName,
  claiming,
  type Database,
  DEFAULT_PATIENCE,
  displayName,
  FreshetError,
  identifier,
  isFreshetError,
  parseName,
  parseSchedule,
  printSchedule,
  type Queryable,
  readSettings,
  refuseCollision,
  requireSchema,
  settleUnits,
  type ServiceSpec,
  sql,
  stableName,
  toFreshetError,
  whileRefused,
} from '@freshet/core'
import { compileQuery, REASONS, type QueryFacts } from '@freshet/dvm'
import { captureSources } from './capture-sources.ts'
import { copyReferences, overCopies } from './citus/copies.ts'
import { heedCitus } from './citus/limit.ts'
import { pushDown } from './citus/push-down.ts'
import { chooseKind, chosenOutput, ownTables, type WantedOutput } from './citus/output.ts'
import type { RefreshContext } from './context.ts'
import { createTables } from './create-tables.ts'
import {
  COMPILER_VERSION,
  keptMode,
  loadDefinition,
  type Definition,
  type Mode,
  type StoredPlan,
} from './definition.ts'
import { recordDependencies } from './dependencies.ts'
import { discard, releaseUnreadSources } from './drop.ts'
import { fillAll, lockState, recordFull } from './full.ts'
import { checkFuse } from './fuse.ts'
import { engage } from './immediate/engage.ts'
import { refuseDeferrableKeys, refuseImmediate } from './immediate/refuse.ts'
import { type OnProgress, unwatched } from './progress.ts'
import { standHere } from './position.ts'
import { recordReferences } from './resolve/references.ts'
import { removeUnfinished } from './unfinished.ts'
import { resolveQuery, type Resolved } from './resolve/resolve.ts'
import { checkService, setService } from './service.ts'
import { watchFill } from './watch-fill.ts'
import { oneSnapshot, withSettings } from './sessions.ts'

/**
 * Creating a stream table: resolve, record, capture, fill.
 *
 * Capture is installed and committed first; then the fill reads everything in one snapshot, which becomes the
 * frontier F₀. A transaction that wrote before the capture is visible to that snapshot; one that is not visible wrote
 * after, and was captured. So no lock is held while the table is filled. A creation that fails leaves nothing behind.
 */
export interface CreateSpec extends ServiceSpec, WantedOutput {
  readonly name: string
  readonly query: string
  readonly mode?: Mode
  /**
   * 'live', 'calculated', 'manual', a duration such as '500ms', '5s', '1m', '2h', or a cron pattern with a time zone such
   * as 'cron: 0 6 * * * Europe/Berlin'. Default: live.
   */
  readonly schedule?: string
  /** How many change rows may wait for a refresh by the scheduler; where more do, it is suspended. Default: any number. */
  readonly fuse?: number
  /** How its sources are captured from now on; left out, they stay as they are, and new ones get triggers. */
  readonly cdc?: CaptureChoice
  /** What the query meant elsewhere: as PostgreSQL resolved it, and the session settings of then. They hold here too. */
  readonly meaning?: { readonly definition: string; readonly settings: Readonly<Record<string, string>> }
}

export async function createStreamTable(
  context: RefreshContext,
  spec: CreateSpec,
  onProgress: OnProgress = unwatched,
): Promise<Definition> {
  const { database } = context
  await requireSchema(database)
  await database.transaction(adoptCluster)
  if (spec.fuse !== undefined) checkFuse(spec.fuse)
  checkService(spec, spec.mode)
  const schedule = printSchedule(parseSchedule(spec.schedule ?? 'live'))
  await removeUnfinished(context, spec.name)
  await releaseUnreadSources(context)
  const target = await chooseTarget(database, spec.name)
  onProgress({ phase: 'resolve', message: 'resolving the query' })
  const resolved = await resolveSpec(database, spec)
  const plan = await makePlan(database, resolved, target, spec.mode ?? 'auto', wantedOutput(spec))
  if (spec.mode === 'immediate') {
    refuseImmediate(plan)
    await refuseDeferrableKeys(database, plan)
  }
  return claiming(database, target, async () => {
    const id = await database
      .transaction((transaction) => record(transaction, { spec, target, resolved, plan, schedule }))
      .catch((error: unknown) => {
        throw isFreshetError(error) && error.sqlState === UNIQUE_VIOLATION ? takenMeanwhile(target, error) : error
      })
    try {
      await captureSources(context, resolved.facts, plan, onProgress, spec.cdc)
      if (!(await pushDown(database, id))) await heedCitus(database, await loadDefinition(database, id))
      const filled = await fill(context, id, onProgress, spec.mode === 'immediate')
      const definition = spec.mode === 'immediate' ? await becomeImmediate(context, id, onProgress) : filled
      if (spec.atomic !== undefined) await settleUnits(database)
      onProgress({ phase: 'done', message: 'fresh' })
      return definition
    } catch (error) {
      await undo(context, id, target, error)
      throw error
    }
  })
}

/** What keeps a stream table in its writers' transactions writes it there: on this server. */
function wantedOutput({ mode, placement, distributionColumn }: CreateSpec): WantedOutput {
  if (mode === 'immediate' && placement === undefined && distributionColumn === undefined) return { placement: 'local' }
  return {
    ...(placement === undefined ? {} : { placement }),
    ...(distributionColumn === undefined ? {} : { distributionColumn }),
  }
}

/** Where that fails as well, why the creation failed is what matters. */
async function undo(context: RefreshContext, id: number, target: TargetName, cause: unknown): Promise<void> {
  try {
    await discard(context, await loadDefinition(context.database, id))
  } catch (error) {
    const { code, message, sqlState } = toFreshetError(cause)
    throw new FreshetError(code, message, {
      detail: `What was made of ${displayName(target)} could not be removed again: ${toFreshetError(error).message}`,
      hint: 'Create it again, or: freshet repair',
      sqlState,
      cause,
    })
  }
}

/** A name may mean something else here, or nothing, where the search path is another: then the resolved text stands for it. */
async function resolveSpec(database: Database, { query, meaning }: CreateSpec): Promise<Resolved> {
  if (meaning === undefined) return resolveQuery(database, query)
  const there = withSettings(database, meaning.settings)
  try {
    const resolved = await resolveQuery(there, query)
    if (resolved.facts.definition === meaning.definition) return resolved
  } catch (error) {
    if (!isFreshetError(error) || error.retry !== 'definition') throw error
  }
  return resolveQuery(there, meaning.definition)
}

async function becomeImmediate(context: RefreshContext, id: number, onProgress: OnProgress): Promise<Definition> {
  onProgress({ phase: 'capture', message: 'letting writers keep it' })
  await engage(context, id, { full: null, initiatedBy: 'create' })
  return loadDefinition(context.database, id)
}

const UNIQUE_VIOLATION = '23505'

function takenMeanwhile(target: TargetName, cause: unknown): FreshetError {
  return new FreshetError('DUPLICATE_NAME', `a relation ${displayName(target)} was created meanwhile`, { cause })
}

interface TargetName {
  readonly schema: string
  readonly table: string
  readonly stableName: string
}

async function chooseTarget(database: Database, name: string): Promise<TargetName> {
  const parsed = parseName(name)
  const [row] = await database.query<{ schema: string | null; exists: boolean; creatable: boolean | null }>(sql`
    with wanted as (select coalesce(${parsed.schema}::text, current_schema()) as schema)
    select w.schema,
      exists (
        select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = w.schema and c.relname = ${parsed.table}
      ) as exists,
      (select pg_catalog.has_schema_privilege(n.oid, 'create') from pg_catalog.pg_namespace n where n.nspname = w.schema) as creatable
    from wanted w`)
  const schema = row?.schema ?? null
  if (schema === null)
    throw new FreshetError('UNKNOWN_RELATION', 'no schema of the search path exists', {
      hint: 'Qualify the name with a schema.',
    })
  const shown = displayName({ schema, table: parsed.table })
  if (row?.creatable === null)
    throw new FreshetError('UNKNOWN_RELATION', `there is no schema ${schema}`, {
      hint: `create schema ${identifier(schema).text};`,
    })
  if (row?.creatable === false) {
    throw new FreshetError('INSUFFICIENT_PRIVILEGE', `the role may not create tables in the schema ${schema}`, {
      hint: `grant create on schema ${identifier(schema).text} to …;`,
    })
  }
  if (row?.exists === true) throw new FreshetError('DUPLICATE_NAME', `a relation ${shown} exists already`)
  checkName(parsed.table)
  if (schema === 'freshet' || schema === 'freshet_changes' || schema === 'pg_catalog') {
    throw new FreshetError('INVALID_NAME', `a stream table can not live in the schema ${schema}`, {
      hint: 'Choose a schema of your own.',
    })
  }
  const target = { schema, table: parsed.table, stableName: stableName(schema, parsed.table) }
  await refuseTakenName(database, target)
  return target
}

/** A relation that was renamed keeps the stable name that this one would get. */
async function refuseTakenName(database: Database, target: TargetName): Promise<void> {
  const taken = await database.query<{ schema: string; table: string }>(sql`
    select schema_name as schema, table_name as table from freshet.stream_table where stable_name = ${target.stableName}
    union all
    select n.nspname, c.relname
    from freshet.source s
    join pg_catalog.pg_class c on c.oid = s.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where s.stable_name = ${target.stableName}`)
  for (const other of taken) refuseCollision({ ...other, stableName: target.stableName }, target)
}

export async function makePlan(
  database: Database,
  resolved: Resolved,
  target: TargetName,
  mode: Definition['mode'],
  wanted: WantedOutput,
): Promise<StoredPlan> {
  refuseSources(resolved.facts)
  const { types } = resolved
  const { facts, planned, placed, copies, sources } = await overCopies(database, resolved.facts, resolved.planned)
  const kind = await chooseKind(database, wanted, sources)
  if (mode === 'differential' && planned.unsupported !== null) {
    throw new FreshetError(
      'NOT_DIFFERENTIABLE',
      `the query can not be maintained differentially: ${planned.unsupported.detail}`,
      {
        detail: `reason ${planned.unsupported.code}`,
        hint: REASONS[planned.unsupported.code],
      },
    )
  }
  const settings = await readSettings(database)
  const compiled = compileQuery(
    facts,
    planned,
    types,
    { ...target, stageSchema: 'freshet_changes', ...(kind === 'local' ? {} : { onNodes: true }) },
    { smallDeltaRows: settings.small_delta_rows },
  )
  const output = chosenOutput(kind, wanted, compiled, { sources, columns: facts.columns })
  const uncaptured = [...facts.relations.values()].some((relation) =>
    ['materialized_view', 'foreign', 'system'].includes(relation.kind),
  )
  return {
    ...compiled,
    compiler: COMPILER_VERSION,
    alwaysDue: facts.timeDependent !== null || uncaptured,
    ...(placed ? { placed } : {}),
    ...(output === undefined ? {} : { output }),
    ...(copies.length === 0 ? {} : { copies }),
  }
}

function refuseSources(facts: QueryFacts): void {
  const relations = [...facts.relations.values()].filter((relation) => relation.kind !== 'view')
  for (const [i, relation] of relations.entries()) {
    for (const other of relations.slice(0, i)) refuseCollision(other, relation)
  }
}

interface Recording {
  readonly spec: Pick<CreateSpec, 'query' | 'mode' | 'fuse' | keyof ServiceSpec>
  readonly target: TargetName
  readonly resolved: Resolved
  readonly plan: StoredPlan
  readonly schedule: string
}

/** Creates the tables and the catalog rows; the stream table is `initializing`, and nobody refreshes it yet. */
export async function record(
  transaction: Queryable,
  { spec, target, resolved, plan, schedule }: Recording,
): Promise<number> {
  await createTables(transaction, target, plan)
  // It is filled like any other, and becomes immediate then.
  const mode = spec.mode === 'immediate' ? 'differential' : (spec.mode ?? 'auto')
  const kept = keptMode(plan, mode)
  const [row] = await transaction.query<{ id: number }>(sql`
    insert into freshet.stream_table (schema_name, table_name, relation, stable_name, query, definition, mode, effective_mode,
      mode_reason, mode_detail, schedule, storage, key_columns, plan, session_settings, fuse)
    values (${target.schema}, ${target.table}, ${identifier(target.schema, target.table).text}::regclass, ${target.stableName},
      ${spec.query}, ${resolved.facts.definition}, ${mode}, ${kept.effective},
      ${kept.reason}, ${kept.detail}, ${schedule}, ${plan.storage}, ${[...plan.keyColumns]}::text[], ${JSON.stringify(plan)}::jsonb, ${JSON.stringify(resolved.settings)}::jsonb,
      ${spec.fuse ?? null}::bigint)
    returning stream_table_id as id`)
  if (row === undefined) throw new FreshetError('INTERNAL', 'a stream table was not recorded')
  await transaction.query(sql`insert into freshet.stream_table_state (stream_table_id) values (${row.id})`)
  await setService(transaction, row.id, spec)
  await recordDependencies(transaction, row.id, plan)
  await recordReferences(transaction, row.id, resolved.references)
  return row.id
}

/** `unfinished`: more follows before it is made. */
export async function fill(
  context: RefreshContext,
  id: number,
  onProgress: OnProgress,
  unfinished: boolean,
): Promise<Definition> {
  const { database } = context
  const definition = await loadDefinition(database, id)
  const last = definition.plan.tables.at(-1)
  const table = identifier(definition.schema, definition.table)
  onProgress({ phase: 'fill', message: 'filling the table' })
  const watch = watchFill(database, definition, onProgress)
  try {
    await whileRefused(DEFAULT_PATIENCE.patienceMs, () =>
      oneSnapshot(database, { ...definition, own: ownTables([definition]) }, async (transaction) => {
        if ((await lockState(transaction, id, false)) === null)
          throw new FreshetError('INTERNAL', 'a new stream table is locked by somebody else')
        const sources = definition.plan.sources.map((source) => source.stableName)
        if (definition.placed.length > 0) await context.capture.handOver(database, transaction, sources)
        await copyReferences(transaction, [definition.plan])
        await fillAll(transaction, definition)
        const [count] = await transaction.query<{ rows: number }>(sql`select count(*)::float8 as rows from ${table}`)
        const result = { rowsInserted: count?.rows ?? 0, rowsDeleted: 0 }
        await recordFull(transaction, definition, {
          action: 'initial',
          reason: null,
          initiatedBy: 'create',
          result,
          unfinished,
        })
        if (definition.placed.length > 0) await standHere(transaction, id)
      }),
    )
  } finally {
    await watch.stop()
  }
  onProgress({ phase: 'index', message: `gathering statistics of ${last?.table ?? ''}` })
  for (const filled of definition.plan.tables)
    await database.query(sql`analyze ${identifier(filled.schema, filled.table)}`)
  return loadDefinition(database, id)
}
