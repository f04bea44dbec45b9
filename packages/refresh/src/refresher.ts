import {
  adoptCluster,
  FreshetError,
  isFreshetError,
  isInstalledHere,
  type Queryable,
  type RefreshOptions,
  type RefreshOutcome,
  type Refresher,
  type Session,
  type Sql,
  sql,
} from '@freshet/core'
import {
  loadParser,
  refreshCompiler,
  type RefreshCompiler,
  type RefreshRecipe,
  type RefreshVariant,
} from '@freshet/dvm'
import type { RefreshContext } from './context.ts'
import { COMPILER_VERSION, loadDefinition, nameOf, type Definition } from './definition.ts'
import { lockState, recordFull, replaceAll } from './full.ts'
import { markReinitialize, recompile } from './recompile.ts'
import { fromPendingChanges } from './pending-changes.ts'
import { requireCapture } from './require-sources.ts'
import { differing, settingsStatement, transactionWith } from './sessions.ts'

/**
 * Refreshes stream tables. The usual refresh is one prepared statement in one round trip: what this process remembers
 * of the table (its version and frontier) goes in as parameters, and the statement does nothing when that is out of date.
 */
export function createRefresher(context: RefreshContext): Refresher {
  return new CachingRefresher(context)
}

interface StatementResult {
  readonly held: number
  readonly pending: boolean
  readonly truncated: boolean
  readonly over: boolean
  /** For each source of the plan, in order: whether it has changes. */
  readonly waiting: readonly boolean[]
  /** Among them are sources whose changes the statement does not read. */
  readonly others: boolean
  readonly forced: boolean
  readonly changed: boolean
  readonly done: boolean
  readonly change_rows: number
  readonly rows_inserted: number
  readonly rows_deleted: number
  readonly snapshot: string
  readonly version: string | null
  readonly reinitialize: string | null
}

interface Known {
  readonly definition: Definition
  /** Sizes, when the last refresh met more change rows than the statement for small deltas takes. */
  readonly large: Sizes | null
  /** Stable names of the sources that changed last: most likely the same change next. */
  readonly changed: ReadonlySet<string>
}

const MAX_ATTEMPTS = 8

class CachingRefresher implements Refresher {
  private readonly context: RefreshContext
  private readonly known = new Map<number, Known>()

  constructor(context: RefreshContext) {
    this.context = context
  }

  async refresh(streamTable: number, options: RefreshOptions = {}): Promise<RefreshOutcome> {
    const started = performance.now()
    const outcome = (action: RefreshOutcome['action'], parts: Partial<RefreshOutcome> = {}): RefreshOutcome => ({
      action,
      reason: null,
      rowsInserted: 0,
      rowsDeleted: 0,
      changeRows: 0,
      ...parts,
      durationMs: performance.now() - started,
    })
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const step = await this.attempt(streamTable, options)
      if (step !== 'again') return outcome(step.action, step)
    }
    return outcome('busy')
  }

  private async attempt(id: number, options: RefreshOptions): Promise<Step | 'again'> {
    const known = this.known.get(id) ?? (await this.load(id))
    let result: StatementResult
    try {
      const reason = await fullReason(this.context.database, known.definition, options)
      if (reason === 'nothing pending') return await this.confirm(id, known)
      if (reason !== null) return await this.full(known.definition, reason, options)
      result = await this.context.database.session((session) => runDifferential(session, known, options))
    } catch (error) {
      return this.recover(id, known, error, options)
    }
    return this.interpret(id, known, result, options)
  }

  /**
   * A statement fails also because what is remembered is out of date: it names what a new definition has no more. And a
   * delta fails on values that came and went within its window, on which the query itself does not (a division by zero).
   */
  private async recover(id: number, known: Known, error: unknown, options: RefreshOptions): Promise<Step | 'again'> {
    this.known.delete(id)
    if (!isFreshetError(error) || error.sqlState === undefined) throw error
    const { version } = await loadDefinition(this.context.database, id)
    if (version !== known.definition.version) return 'again'
    const failedOnValues =
      error.sqlState.startsWith('22') && known.definition.plan.refresh !== null && options.full !== true
    if (failedOnValues) return this.full(known.definition, 'DELTA_FAILED', options)
    throw error
  }

  private interpret(
    id: number,
    known: Known,
    result: StatementResult,
    options: RefreshOptions,
  ): Promise<Step | 'again'> | Step | 'again' {
    const { definition } = known
    if (result.done) {
      const next: Definition = {
        ...definition,
        version: String(BigInt(definition.version) + 1n),
        snapshots: definition.snapshots.map(() => result.snapshot),
      }
      const large =
        known.large !== null && result.change_rows > FEW_ROWS ? { ...known.large, changes: result.change_rows } : null
      this.known.set(id, { ...known, definition: next, large })
      return {
        action: 'differential',
        rowsInserted: result.rows_inserted,
        rowsDeleted: result.rows_deleted,
        changeRows: result.change_rows,
      }
    }
    if (result.version === null) {
      this.known.delete(id)
      throw new FreshetError('UNKNOWN_STREAM_TABLE', `the stream table ${nameOf(definition)} was dropped`)
    }
    if (result.version !== definition.version) {
      this.known.delete(id)
      return 'again'
    }
    if (!result.pending) return { action: 'none' }
    if (result.held === 0) return { action: 'busy' }
    if (result.changed) return this.adapt(definition)
    if (result.truncated) return this.full(definition, 'TRUNCATED', options)
    if (result.forced) return this.full(definition, 'FORCED', options)
    if (result.others) {
      this.known.set(id, { ...known, changed: waitingSources(definition, result.waiting) })
      return 'again'
    }
    if (result.over) {
      return this.overflow(id, known, options)
    }
    throw new FreshetError('INTERNAL', `a refresh of ${nameOf(definition)} neither ran nor said why`)
  }

  /** More changes than planned for: the statement for large deltas, or a full refresh where that is cheaper. */
  private async overflow(id: number, known: Known, options: RefreshOptions): Promise<Step | 'again'> {
    const sizes = await sizesOf(this.context.database, known.definition)
    if (known.definition.mode === 'auto' && fullIsCheaper(sizes)) return this.full(known.definition, 'CHEAPER', options)
    this.known.set(id, { ...known, large: sizes })
    return 'again'
  }

  /** A source has another shape than the plan was compiled for. */
  private async adapt(definition: Definition): Promise<'again'> {
    this.known.delete(definition.id)
    // First of all, and for good: whatever was captured meanwhile can not be trusted, even if the shape comes back.
    await markReinitialize(this.context.database, definition.id, 'SOURCE_CHANGED')
    await requireCapture(this.context, definition)
    await recompile(this.context, definition, 'SOURCE_CHANGED')
    return 'again'
  }

  private async full(definition: Definition, reason: string, options: RefreshOptions): Promise<Step | 'again'> {
    this.known.delete(definition.id)
    try {
      return await transactionWith(
        this.context.database,
        definition.settings,
        async (transaction): Promise<Step | 'again'> => {
          const state = await lockState(transaction, definition.id, false)
          if (state === null) return { action: 'busy' }
          if (state.version !== definition.version) return 'again'
          const result = await replaceAll(transaction, definition)
          await recordFull(transaction, definition, {
            action: 'full',
            reason,
            initiatedBy: options.initiatedBy ?? 'manual',
            result,
          })
          return { action: 'full', reason, ...result }
        },
        { isolation: 'repeatable read' },
      )
    } catch (error) {
      // The state row changed after this transaction's snapshot: somebody else refreshed meanwhile.
      if (isFreshetError(error) && error.sqlState === '40001') return 'again'
      throw error
    }
  }

  private async load(id: number): Promise<Known> {
    // In a restored dump or a promoted copy, frontiers are positions of another cluster.
    if (!(await isInstalledHere(this.context.database))) await adoptCluster(this.context.database)
    let definition = await loadDefinition(this.context.database, id)
    await requireCapture(this.context, definition)
    if (definition.plan.compiler !== COMPILER_VERSION) {
      await recompile(this.context, definition, 'NEW_COMPILER')
      definition = await loadDefinition(this.context.database, id)
    }
    const known: Known = { definition, large: null, changed: NONE }
    this.known.set(id, known)
    return known
  }

  /** A table that is refreshed in full had nothing pending; make sure that what is remembered is still so. */
  private async confirm(id: number, known: Known): Promise<Step | 'again'> {
    const fresh = await loadDefinition(this.context.database, id)
    this.known.set(id, { ...known, definition: fresh })
    return fresh.version === known.definition.version ? { action: 'none' } : 'again'
  }
}

type Step = Omit<Partial<RefreshOutcome>, 'action' | 'durationMs'> & Pick<RefreshOutcome, 'action'>

/** Why the next refresh must be a full one; null when it need not be. */
export async function fullReason(
  queryable: Queryable,
  definition: Definition,
  options: RefreshOptions,
): Promise<string | null> {
  if (options.full === true) return 'REQUESTED'
  if (definition.reinitialize !== null) return definition.reinitialize
  if (definition.snapshots.includes(null) || definition.status === 'initializing') return 'INITIAL'
  if (definition.plan.refresh !== null && definition.mode !== 'full') return null
  const reason = definition.plan.refusal?.code ?? 'REQUESTED'
  return definition.plan.alwaysDue || (await isPending(queryable, definition)) ? reason : 'nothing pending'
}

/** Whether any source has changes that the frontier has not seen. */
async function isPending(queryable: Queryable, definition: Definition): Promise<boolean> {
  for (const [i, source] of definition.plan.sources.entries()) {
    const changes = fromPendingChanges(source.stableName, definition.snapshots[i] ?? null)
    const [row] = await queryable.query<{ pending: boolean }>(sql`select exists (select ${changes}) as pending`)
    if (row?.pending === true) return true
  }
  return false
}

async function runDifferential(session: Session, known: Known, options: RefreshOptions): Promise<StatementResult> {
  const changes = await differing(session, known.definition.settings)
  const variant = { changed: known.changed, large: known.large !== null }
  const statement = await differentialStatement(known.definition, variant, options)
  const settings = [...changes, ...(known.large === null ? PLANNING : PLANNING_LARGE)]
  const [, rows] = await session.batch([settingsStatement(settings), statement], { prepared: true })
  return single(rows as StatementResult[] | undefined)
}

/** Statement and parameters; `changed` are the sources that it reads. */
export async function differentialStatement(
  definition: Definition,
  variant: Omit<RefreshVariant, 'emits'>,
  options: RefreshOptions,
): Promise<Sql> {
  const recipe = definition.plan.refresh
  if (recipe === null) throw new FreshetError('INTERNAL', `${nameOf(definition)} has no differential statement`)
  await loadParser()
  const compiler = compilers.get(recipe) ?? refreshCompiler(recipe)
  compilers.set(recipe, compiler)
  const text = compiler.statement({ ...variant, emits: definition.emits })
  return { text, values: [definition.id, definition.version, options.initiatedBy ?? 'manual', ...definition.snapshots] }
}

const compilers = new WeakMap<RefreshRecipe, RefreshCompiler>()

const NONE: ReadonlySet<string> = new Set()

function waitingSources({ plan }: Definition, waiting: readonly boolean[]): ReadonlySet<string> {
  return new Set(plan.sources.flatMap((source, i) => (waiting[i] === true ? [source.stableName] : [])))
}

function single(rows: readonly StatementResult[] = []): StatementResult {
  const [row] = rows
  if (row === undefined) throw new FreshetError('INTERNAL', 'a refresh statement answered nothing')
  return row
}

/** So few change rows that the next refresh is tried with the statement for small deltas again. */
const FEW_ROWS = 100

/** Change rows that wait, and rows of the sources by the server's statistics. */
interface Sizes {
  readonly changes: number
  readonly rows: number
}

/** Beyond this share of changed rows, recomputing was the cheaper way in every measurement. */
const FULL_ABOVE = 0.5

function fullIsCheaper({ changes, rows }: Sizes): boolean {
  return changes > FULL_ABOVE * Math.max(rows, 1)
}

/**
 * How a refresh statement is planned: once, because its parameters tell the planner nothing that would make up for
 * planning a long statement again (the server would do so five times a connection); and never compiled just in time,
 * which is decided by costs that are guesses, and takes longer than any small refresh.
 */
const PLANNING = [
  ['plan_cache_mode', 'force_generic_plan'],
  ['jit', 'off'],
] as const

/** A large delta sorts and hashes many rows once. */
const PLANNING_LARGE = [...PLANNING, ['work_mem', '64MB']] as const

async function sizesOf(queryable: Queryable, definition: Definition): Promise<Sizes> {
  const sources = definition.plan.sources.map((source, i) => {
    const changes = fromPendingChanges(source.stableName, definition.snapshots[i] ?? null)
    return queryable.query<Sizes>(sql`
      select (select count(*) ${changes})::float8 as changes,
      coalesce((
        select sum(greatest(c.reltuples, 0)) from pg_catalog.pg_class c
        where c.oid in (
          select s.relation from freshet.source s where s.stable_name = ${source.stableName}
          union select i.relid from freshet.source s cross join lateral pg_catalog.pg_partition_tree(s.relation) i where s.stable_name = ${source.stableName} and i.isleaf
        )
      ), 0)::float8 as rows`)
  })
  const rows = (await Promise.all(sources)).flat()
  return { changes: sum(rows.map((row) => row.changes)), rows: sum(rows.map((row) => row.rows)) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
