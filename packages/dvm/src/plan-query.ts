import { columnsOf, rebuild, soleColumn } from './ast.ts'
import { readPlan, FROM_SOURCES } from './delta/readings.ts'
import type { QueryFacts } from './facts.ts'
import { analyse } from './plan/analyse.ts'
import type { Column } from './plan/column.ts'
import { inputsOf, isStateful, passThrough, type Plan, type Query, type Stateful } from './plan/plan.ts'
import { openRecursions } from './plan/recursion.ts'
import { renameRelations, sameColumns } from './rename-relations.ts'
import { placePredicates } from './rewrite/place-predicates.ts'
import { pruneColumns } from './rewrite/prune-columns.ts'
import { MOST_CHARACTERS, Unsupported, type ReasonCode } from './unsupported.ts'

/**
 * The first half of the compiler: parse → analyse → rewrite. What it still does not know is the types of columns
 * that exist only inside the query; it asks for them as probes, SELECTs whose result columns PostgreSQL can describe.
 */
export interface Planned {
  readonly query: Query
  readonly probes: readonly Probe[]
  /** Set when the query has a part without a law; then the plan is the query as a whole. */
  readonly unsupported: Refusal | null
}

export interface Probe {
  readonly sql: string
  /** Names of its columns, in order. */
  readonly columns: readonly string[]
}

export interface Refusal {
  readonly code: ReasonCode
  readonly detail: string
}

export function planQuery(facts: QueryFacts): Planned {
  try {
    if (facts.timeDependent !== null) throw new Unsupported('TIME_DEPENDENT', `the query calls ${facts.timeDependent}`)
    const query = rewrite(analyse(facts))
    const probes = statefulOf(query.input).flatMap(probesOf)
    const longest = Math.max(0, ...probes.map(({ sql }) => sql.length))
    if (longest > MOST_CHARACTERS)
      throw new Unsupported('TOO_COMPLEX', `a part of the query is read by ${longest} characters of SQL`)
    return { query, probes, unsupported: null }
  } catch (error) {
    if (error instanceof Unsupported) return wholeQuery(facts, { code: error.reason, detail: error.message })
    throw error
  }
}

/** A query that is only ever computed as a whole. */
export function wholeQuery(facts: QueryFacts, refusal: Refusal): Planned {
  const columns = facts.columns.map((column): Column => ({ name: column.name, notNull: false }))
  const input: Plan = { kind: 'constant', query: queryText(facts), columns }
  return { query: { input, items: passThrough(columns) }, probes: [], unsupported: refusal }
}

/** The query as PostgreSQL runs it. */
export function queryText(facts: QueryFacts): string {
  return reread(facts).trim().replace(/;$/, '')
}

/** With what is read in the place of a relation. */
function reread({ definition, relations }: Pick<QueryFacts, 'definition' | 'relations'>): string {
  const renamed = new Map(
    [...relations].flatMap(([key, { columns, readFrom }]) =>
      readFrom === undefined
        ? []
        : [
            [
              key,
              sameColumns(
                readFrom,
                columns.map(({ name }) => name),
              ),
            ] as const,
          ],
    ),
  )
  return renamed.size === 0 ? definition : renameRelations(definition, renamed)
}

/** The rewrites, in order. */
function rewrite(query: Query): Query {
  const needed = new Set(query.items.flatMap((item) => [...columnsOf(item.expression)]))
  return overRecursion({ ...query, input: pruneColumns(placePredicates(query.input), needed) })
}

/** A recursion that is shown as it is needs no table beside the stream table. */
function overRecursion(query: Query): Query {
  const { input } = query
  if (input.kind !== 'project' || input.expands || !overProjections(input)) return query
  const shown = new Map(input.items.map((item) => [item.name, item.expression]))
  const items = query.items.map((item) => ({
    name: item.name,
    expression: rebuild(item.expression, (type, _body, node) =>
      type === 'ColumnRef' ? shown.get(soleColumn(node) ?? '') : undefined,
    ),
  }))
  return overRecursion({ input: input.input, items })
}

function overProjections(plan: Plan): boolean {
  return plan.kind === 'recursion' || (plan.kind === 'project' && !plan.expands && overProjections(plan.input))
}

/**
 * Stateful operators of a plan, each once, inner ones first: the order in which stages are filled and refreshed.
 */
export function statefulOf(plan: Plan): Stateful[] {
  const found = new Set<Stateful>()
  const seen = new Set<Plan>()
  const visit = (node: Plan): void => {
    if (seen.has(node)) return
    seen.add(node)
    inputsOf(node).forEach(visit)
    // what reads a recursion's working table is computed with it, round by round
    if (isStateful(node) && openRecursions(node).size === 0) found.add(node)
  }
  visit(plan)
  return [...found]
}

function probesOf(stage: Stateful): Probe[] {
  return [...(stage.kind === 'recursion' ? [] : [stage.input]), stage].flatMap((plan) => {
    const columns = plan.columns.map((column) => column.name)
    return columns.length === 0 ? [] : [{ sql: readPlan(plan, 'after', FROM_SOURCES), columns }]
  })
}
