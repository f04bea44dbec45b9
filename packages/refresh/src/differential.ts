import {
  DEFAULT_PATIENCE,
  FreshetError,
  lockTimeout,
  type Queryable,
  type RefreshOptions,
  type Session,
  sql,
  type Sql,
} from '@freshet/core'
import {
  loadParser,
  refreshCompiler,
  type RefreshCompiler,
  type RefreshRecipe,
  type RefreshVariant,
} from '@freshet/dvm'
import type { Decision } from './choose.ts'
import { nameOf, spansNodes, type Definition } from './definition.ts'
import { recordDecision } from './experience.ts'
import { ALL_ROWS, differing, ENOUGH_MEMORY, settingsStatement } from './sessions.ts'
import { type OwnRefresh, ownRefreshes } from './trace.ts'

/**
 * One differential refresh: the statement for the sources that are expected to have changed, sent with its settings in
 * one round trip. What its answer leads to is the refresher's business.
 */
type Variant = Omit<RefreshVariant, 'emits'>

/** What a refresh statement answers. */
export interface StatementResult {
  readonly held: number
  readonly pending: boolean
  readonly truncated: boolean
  readonly over: boolean
  /** For each source of the plan, in order: its change rows, as far as they were counted; 1 for some. */
  readonly waiting: readonly number[]
  /** Among them are sources whose changes the statement does not read. */
  readonly others: boolean
  readonly forced: boolean
  readonly changed: boolean
  readonly done: boolean
  readonly change_rows: number
  readonly rows_inserted: number
  readonly rows_deleted: number
  readonly snapshot: string
  /** The new one when it is done, else the one that is there. Null: there is no such stream table. */
  readonly version: string | null
}

/** `ms`: where a decision is recorded, what the server took; else what the round trip took. */
export type DifferentialResult = StatementResult & { readonly ms: number; readonly refreshId?: string }

/** `decision` is recorded with it. */
export async function runDifferential(
  session: Pick<Session, 'identity' | 'pooled' | keyof Queryable>,
  definition: Definition,
  variant: Variant,
  decision: Decision | null,
  options: RefreshOptions,
): Promise<DifferentialResult> {
  const changes = await differing(session, definition.settings)
  const statement = await differentialStatement(definition, variant, options)
  const settings = settingsStatement([...changes, ...PLANNING])
  const memory = variant.extent !== 'few' ? [sql`select ${ENOUGH_MEMORY}`] : []
  const record = decision === null ? [] : [recordDecision(definition.id, decision)]
  const identify = options.identified === true ? [ownRefreshes([definition.id])] : []
  const started = performance.now()
  const answers = await session.batch([settings, ...memory, statement, ...record, ...identify], { prepared: true })
  const [rows, ...more] = answers.slice(1 + memory.length)
  const recorded = more.slice(0, record.length)[0]
  const [own] = (more[record.length] ?? []) as unknown as OwnRefresh[]
  const ms = performance.now() - started
  const [server] = (recorded ?? []) as { readonly ms: number }[]
  const identified = own === undefined ? {} : { refreshId: own.refreshId }
  return { ...single(rows as StatementResult[] | undefined), ms: server?.ms ?? ms, ...identified }
}

/** Statement and parameters; `changed` are the sources that it reads. */
export async function differentialStatement(
  definition: Definition,
  variant: Variant,
  options: RefreshOptions,
): Promise<Sql> {
  // one statement reads other nodes in another snapshot than its windows
  if (spansNodes(definition))
    throw new FreshetError('INTERNAL', `${nameOf(definition)} reads or writes other nodes, and is refreshed by steps`)
  if (definition.stateBehind) throw new FreshetError('INTERNAL', `the state of ${nameOf(definition)} is behind`)
  const compiler = await compilerOf(definition)
  const text = compiler.statement({ ...variant, emits: definition.emits })
  return { text, values: [definition.id, definition.version, options.initiatedBy ?? 'manual', ...definition.snapshots] }
}

/** What makes the statements of its refreshes. */
export async function compilerOf(definition: Definition): Promise<RefreshCompiler> {
  const recipe = definition.plan.refresh
  if (recipe === null) throw new FreshetError('INTERNAL', `${nameOf(definition)} has no differential statement`)
  await loadParser()
  const compiler = compilers.get(recipe) ?? refreshCompiler(recipe)
  compilers.set(recipe, compiler)
  return compiler
}

const compilers = new WeakMap<RefreshRecipe, RefreshCompiler>()

function single(rows: readonly StatementResult[] = []): StatementResult {
  const [row] = rows
  if (row === undefined) throw new FreshetError('INTERNAL', 'a refresh statement answered nothing')
  return row
}

/**
 * How a refresh statement is planned: once, because its parameters tell the planner nothing that would make up for
 * planning a long statement again (the server would do so five times a connection); and never compiled just in time,
 * which is decided by costs that are guesses, and takes longer than any small refresh. Rows are not sorted to be
 * grouped: a sort may change the order of equal rows, and a sum of floats depends on the order of its terms. Hashed,
 * they are added up in the order in which they are read, as the query does it. Whoever locks a source comes first.
 */
export const PLANNING = [
  ['plan_cache_mode', 'force_generic_plan'],
  ['jit', 'off'],
  ['enable_sort', 'off'],
  ALL_ROWS,
  ['lock_timeout', lockTimeout(DEFAULT_PATIENCE)],
] as const
