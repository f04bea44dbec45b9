import type { CompiledSource, Target } from './compiled.ts'
import type { QueryFacts, TypeFacts } from './facts.ts'
import type { Planned } from './plan-query.ts'
import type { Plan } from './plan/plan.ts'
import { Chain, q } from './print/text.ts'
import { collated, EXPECTED_TO_BE_MANY, expectedToBeFew, maintainStages } from './refresh-statement.ts'
import type { Stages } from './stage/stages.ts'
import { createTable } from './stage/state-table.ts'
import { stagePlan } from './staged-plan.ts'

/**
 * What an immediate stream table runs in its writers' transactions: the laws of a differential refresh over other
 * windows. A window is what the transaction itself has noted of a source and not applied yet; applying takes it away.
 *
 *   before = after − Δ    for every source at once: the statement runs when all that the writer's statement changed is
 *                         noted, and in a snapshot that shows nothing of other writers but what has been applied
 *
 * Who makes that so is the caller: it counts the writer's open statements, and makes writers take turns.
 */
export interface ImmediateStatements {
  readonly small: ImmediateStatement
  /** The same, where nothing but one source has changed, by its position; empty where there is only one. */
  readonly ofOne: readonly ImmediateStatement[]
  /** The same for many rows, to be planned anew each time. */
  readonly large: ImmediateStatement
  /** Pending tables: `notes[i]` is for the source `sources[i]`. */
  readonly notes: readonly PendingTable[]
  /** What the plan was compiled for: it must be what the stream table was made for. */
  readonly sources: readonly CompiledSource[]
  readonly creates: readonly string[]
  /** Whether writers must take turns; see `mustTakeTurns`. */
  readonly turns: boolean
}

/** `emitting` writes the output delta too. */
export interface ImmediateStatement {
  readonly plain: string
  readonly emitting: string
}

export interface PendingTable {
  readonly schema: string
  readonly table: string
}

/** Expressions for the transaction and the round whose notes are to be applied. */
export interface NotesOf {
  readonly transaction: string
  readonly round: string
}

/** Compiles a planned query for its writers' transactions; only one that has a law. */
export function compileImmediate(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  own: NotesOf,
): ImmediateStatements {
  const { stages, sources } = stagePlan(facts, planned, types, target)
  const notes = sources.map((_, i) => ({ schema: target.stageSchema, table: `pending_${target.stableName}_${i + 1}` }))
  const build = (comparison: '=' | '>=', emitTo: Target | null, read = sources) => {
    const chain = new Chain()
    const windows = new Map(
      read.map((source) => {
        const pending = notes[sources.indexOf(source)]
        if (pending === undefined) throw new RangeError(`${source.table} is no source of this plan`)
        const of = `__x ${comparison} ${own.transaction} and __round ${comparison} ${own.round}`
        const taken = chain.add(`notes of ${source.table}`, take(source, pending, of))
        const rows = `select *\nfrom ${taken}`
        const window = comparison === '=' ? expectedToBeFew(`${rows}\n${EXPECTED_TO_BE_MANY}\noffset 0`) : rows
        return [source.stableName, chain.add(`window of ${source.table}`, window)] as const
      }),
    )
    chain.add('gate', 'select true as go', { materialized: true })
    maintainStages(chain, stages, windows, emitTo, comparison === '=' ? 'by index' : 'through')
    return chain.statement('select true')
  }
  const small = (read?: readonly CompiledSource[]) => ({
    plain: build('=', null, read),
    emitting: build('=', target, read),
  })
  return {
    small: small(),
    ofOne: sources.length === 1 ? [] : sources.map((source) => small([source])),
    // The same rows, for there are no later ones; but the planner expects a share of the table, and not one.
    large: { plain: build('>=', null), emitting: build('>=', target) },
    notes,
    sources,
    creates: stages.order.map(({ stage }) => createTable(stage.table)),
    turns: mustTakeTurns(planned.query.input, stages),
  }
}

function take(source: CompiledSource, { schema, table }: PendingTable, which: string): string {
  const columns = source.columns.map((column) => collated(column, source.collations[column]))
  return `delete from ${q(schema)}.${q(table)}\nwhere ${which}\nreturning ${[...columns, '__w'].join(', ')}`
}

/**
 * Whether two writers may be in each other's way though they write different rows of the sources.
 *
 * They may not where the query reads one table once, row by row, and its key identifies the answer's rows: what a
 * writer does to the stream table follows from the rows that it has locked in the source, and touches only their rows.
 * Everywhere else a delta depends on rows or state that another writer may change: the other side of a join, a group,
 * how many copies of a row there are.
 */
function mustTakeTurns(plan: Plan, stages: Stages): boolean {
  const { kind } = stages.last.table.key
  return !(kind === 'columns' || kind === 'hash') || !isRowByRow(plan)
}

function isRowByRow(plan: Plan): boolean {
  switch (plan.kind) {
    case 'scan':
      return true
    case 'filter':
      return isRowByRow(plan.input)
    case 'project':
      return !plan.expands && isRowByRow(plan.input)
    default:
      return false
  }
}
