import { type Database, FreshetError, isFreshetError, type Queryable, raw, sql } from '@freshet/core'
import { REASONS } from '@freshet/dvm'
import { type Definition, type Mode, spansNodes, type StoredPlan } from '../definition.ts'
import { compilerOf } from '../differential.ts'
import { copyReferences } from './copies.ts'
import { announceOnNodes } from './output.ts'

/**
 * Which queries over shards Citus can plan, only Citus knows. So the statements of a differential refresh are run once over
 * empty windows, in a transaction that is rolled back; where it refuses one, the stream table is kept by full refreshes and
 * says what Citus said.
 */
export async function heedCitus(database: Database, definition: Definition, mode = definition.mode): Promise<void> {
  const plan = await withinCitus(database, definition, definition.plan, { mode })
  if (plan === definition.plan) return
  const { detail } = limitOf(plan)
  await database.query(sql`
    update freshet.stream_table set plan = ${JSON.stringify(plan)}::jsonb, effective_mode = 'full',
      mode_reason = case when mode = 'full' then mode_reason else 'CITUS_LIMIT' end,
      mode_detail = case when mode = 'full' then mode_detail else ${detail} end
    where stream_table_id = ${definition.id}`)
}

/**
 * The plan, as far as Citus can carry it out. `tried` is a stream table of the same query, whose tables `create` makes
 * where they are not there yet; `mode` is refused where it needs more.
 */
export async function withinCitus(
  database: Database,
  tried: Definition,
  plan: StoredPlan,
  { mode = tried.mode, create = () => Promise.resolve() }: Trial = {},
): Promise<StoredPlan> {
  if (!spansNodes(tried) || tried.plan.refresh === null) return plan
  const refusal = await refusalOf(database, tried, create)
  if (refusal === null) return plan
  if (mode === 'differential')
    throw new FreshetError(
      'NOT_DIFFERENTIABLE',
      `the query can not be maintained differentially on Citus: ${refusal}`,
      {
        detail: 'reason CITUS_LIMIT',
        hint: REASONS.CITUS_LIMIT,
      },
    )
  return limited(plan, refusal)
}

interface Trial {
  readonly mode?: Mode
  readonly create?: (transaction: Queryable) => Promise<void>
}

/** The same query under another name is one that Citus has refused already. */
export function limitedAs(before: StoredPlan, plan: StoredPlan): StoredPlan {
  return before.refusal?.code === 'CITUS_LIMIT' ? limited(plan, limitOf(before).detail) : plan
}

function limited(plan: StoredPlan, detail: string): StoredPlan {
  return { ...plan, effectiveMode: 'full', refresh: null, refusal: { code: 'CITUS_LIMIT', detail } }
}

function limitOf({ refusal }: StoredPlan): { readonly detail: string } {
  return { detail: refusal?.detail ?? '' }
}

/** What Citus can not do it says so, or its planner stumbles over it. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['0A', '42', 'XX'])

async function refusalOf(
  database: Database,
  definition: Definition,
  create: (transaction: Queryable) => Promise<void>,
): Promise<string | null> {
  try {
    await database.transaction(async (transaction) => {
      await create(transaction)
      await tryOut(transaction, definition)
      throw new Tried()
    })
  } catch (error) {
    if (error instanceof Tried) return null
    if (isFreshetError(error) && REFUSALS.has(error.sqlState?.slice(0, 2))) return error.message
    throw error
  }
  return null
}

/** Rolls back. */
class Tried extends Error {}

async function tryOut(transaction: Queryable, definition: Definition): Promise<void> {
  const { sources } = definition.plan
  await copyReferences(transaction, [definition.plan])
  const [now] = await transaction.query<{ snapshot: string }>(sql`select pg_current_snapshot()::text as snapshot`)
  const compiler = await compilerOf(definition)
  const steps = compiler.steps(
    { changed: new Set(sources.map(({ stableName }) => stableName)), extent: 'few', emits: false },
    {
      streamTable: definition.id,
      version: definition.version,
      frontiers: sources.map(() => now?.snapshot ?? null),
      placed: sources.filter(({ stableName }) => definition.placed.includes(stableName)),
    },
  )
  await transaction.query(sql`select set_config('freshet.apply', 'on', true)`)
  await announceOnNodes(transaction, definition.plan)
  for (const statement of steps.compute) await transaction.query(raw(statement))
  for (const { text } of steps.write) await transaction.query(raw(text))
}
