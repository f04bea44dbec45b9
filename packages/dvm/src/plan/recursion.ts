import { columnRef, isObject, text, walk, type JsonObject } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import type { CommonTable, Level, OpenRecursion, QueryAnalyser } from './level.ts'
import type { Column } from './column.ts'
import { inputsOf, project, type Plan, type Recursion, type WorkingTable } from './plan.ts'

/**
 * A recursive common table expression: `base UNION [ALL] step`, the step reading what the last round added.
 *
 *   W₀ = base, Wᵢ₊₁ = step(Wᵢ), the answer ⊎ Wᵢ; with UNION, only rows that no round before has given
 */
export function recursion(analyser: QueryAnalyser, table: CommonTable): Level {
  const { select } = table
  const environment = analyser.commonTables(select, table.environment, table.outer)
  const side = (name: 'larg' | 'rarg') => (isObject(select[name]) ? select[name] : {})
  const base = analyser.select(side('larg'), environment, table.outer)
  const columns = base.outputs.map((output, i): Column => ({
    name: analyser.names.fresh(table.columns[i] ?? output.name),
    notNull: false,
  }))
  // short: it is the name of a part of a refresh too
  const name = `__${analyser.names.fresh([...table.name].slice(0, 12).join(''))}`
  const open = { name, columns: columns.map((column) => column.name), shown: base.outputs.map((output) => output.name) }
  const step = analyser.recursing(table, open, () => analyser.select(side('rarg'), environment, table.outer))
  const plan: Recursion = {
    kind: 'recursion',
    name,
    base: aligned(base, columns),
    step: aligned(step, columns),
    all: select['all'] === true,
    columns,
  }
  if (workingTables(plan.step, name) !== 1)
    throw new Unsupported('RECURSIVE', `the recursive reference to ${table.name} would be read more than once`)
  const outputs = base.outputs.map((output, i) => ({
    name: output.name,
    expression: columnRef(columns[i]?.name ?? output.name),
    notNull: false,
  }))
  return { plan, outputs }
}

export function workingTable(analyser: QueryAnalyser, open: OpenRecursion): WorkingTable {
  const columns = open.columns.map((column): Column => ({ name: analyser.names.again(column), notNull: false }))
  return { kind: 'working-table', name: open.name, columns, sourceColumns: open.columns }
}

/** Whether the second side of a UNION reads the common table expression that it belongs to. */
export function isRecursive(name: string, select: JsonObject): boolean {
  if (select['op'] !== 'SETOP_UNION') return false
  let found = false
  walk(select['rarg'], (type, body) => {
    if (type === 'RangeVar' && body['schemaname'] === undefined && text(body['relname']) === name) found = true
  })
  return found
}

/** SEARCH and CYCLE add columns that no table can hold. */
export function refuseSearch(name: string, table: JsonObject): void {
  if (table['search_clause'] !== undefined || table['cycle_clause'] !== undefined)
    throw new Unsupported('RECURSIVE', `a SEARCH or CYCLE clause of ${name}`)
}

/** The working tables of recursions around a plan that it reads: what has one is computed inside them. */
export function openRecursions(plan: Plan): ReadonlySet<string> {
  const found = known.get(plan) ?? new Set(openRecursionsOf(plan))
  known.set(plan, found)
  return found
}

const known = new WeakMap<Plan, ReadonlySet<string>>()

function openRecursionsOf(plan: Plan): string[] {
  if (plan.kind === 'working-table') return [plan.name]
  const below = inputsOf(plan).flatMap((input) => [...openRecursions(input)])
  return plan.kind === 'recursion' ? below.filter((name) => name !== plan.name) : below
}

function workingTables(plan: Plan, name: string): number {
  if (plan.kind === 'working-table') return plan.name === name ? 1 : 0
  return inputsOf(plan).reduce((sum, input) => sum + workingTables(input, name), 0)
}

function aligned(level: Level, columns: readonly Column[]): Plan {
  return project(
    level.plan,
    level.outputs.map((output, i) => ({ ...output, name: columns[i]?.name ?? output.name, notNull: false })),
  )
}
