import type { Ast } from '../ast.ts'
import { printExpression, printFromItem, printOrder } from '../print/expression.ts'
import { indent, nested, q, select } from '../print/text.ts'
import type {
  Expand,
  Filter,
  Join,
  Partitioned,
  Plan,
  Project,
  Recursion,
  Scan,
  SemiJoin,
  Stateful,
  Transform,
} from '../plan/plan.ts'
import type { Reading } from './context.ts'

/**
 * Reads a plan as SQL over base tables, or over the state of inner stages.
 *
 * `after`:  base tables as they are; a stage's state with this statement's changes put in.
 * `before`: a stage's state as it is. Base tables have no cheap reading before; plans that hold one are read after.
 */
export interface StageReader {
  /** The rows of an operator that is kept in a state table; undefined: it is computed from its input. */
  read(stage: Stateful, reading: Reading): string | undefined
  /** The same in two parts, where one of them is a bare table but for a condition. */
  inParts?(stage: Stateful, reading: Reading): readonly string[] | undefined
}

/** Computes everything from base tables: to ask PostgreSQL for types, before there are stages. */
export const FROM_SOURCES: StageReader = { read: () => undefined }

const UNION = '\nunion all\n'

export function readPlan(plan: Plan, reading: Reading, stages: StageReader): string {
  const columns = plan.columns.map((column) => q(column.name))
  switch (plan.kind) {
    case 'scan':
      return select({
        columns: plan.columns.map((column, i) => renamed(plan.sourceColumns[i] ?? column.name, column.name)),
        from: relationName(plan.relation),
      })
    case 'constant':
      return plan.columns.length === 0 ? plan.query : `select * from (${plan.query}) as "values"(${columns.join(', ')})`
    case 'filter':
    case 'project':
    case 'expand':
      return applied(plan, readPlan(plan.input, reading, stages))
    case 'join':
      return joinedPlans(plan, readPlan(plan.left, reading, stages), readPlan(plan.right, reading, stages))
    case 'semi-join':
      return matched(plan, readPlan(plan.left, reading, stages), [readPlan(plan.right, reading, stages)]).join(UNION)
    case 'union-all':
      return plan.inputs
        .map((input) => select({ columns, from: `${nested(readPlan(input, reading, stages))} u` }))
        .join(UNION)
    case 'working-table':
      return select({
        columns: plan.columns.map((column, i) => renamed(plan.sourceColumns[i] ?? column.name, column.name)),
        from: q(plan.name),
      })
    case 'recursion':
      return (
        stages.read(plan, reading) ??
        recursed(plan, readPlan(plan.base, 'after', stages), readPlan(plan.step, 'after', stages))
      )
    case 'partitioned':
      return stages.read(plan, reading) ?? transformed(plan, readPlan(plan.input, reading, stages))
    case 'aggregate': {
      const stored = stages.read(plan, reading)
      if (stored !== undefined) return stored
      return select({
        columns: [...plan.keys.map(q), ...plan.calls.map((call) => `${printExpression(call.call)} as ${q(call.name)}`)],
        from: `${nested(readPlan(plan.input, reading, stages))} g`,
        groupBy: plan.keys.map(q),
        // one group, also when no column of it is read and no aggregate is left to say so
        having: plan.keys.length === 0 ? ['true'] : [],
      })
    }
  }
}

/**
 * A reading as several, of which each row is in one: where a stage has changed below, once with its rows that no change
 * has touched and once with those that were, as they are now. PostgreSQL looks rows up by index where it joins with a
 * bare table, and hashes the touched ones once; of a union it would have to read everything.
 */
export function readInParts(plan: Plan, reading: Reading, stages: StageReader): readonly string[] {
  const parts = partsOf(plan, reading, stages)
  return parts.length <= MOST_PARTS ? parts : [readPlan(plan, reading, stages)]
}

/** With two stages below it would be four, and so on. */
const MOST_PARTS = 2

function partsOf(plan: Plan, reading: Reading, stages: StageReader): readonly string[] {
  const read = (input: Plan) => readPlan(input, reading, stages)
  const split = (input: Plan) => partsOf(input, reading, stages)
  switch (plan.kind) {
    case 'aggregate':
    case 'partitioned':
    case 'recursion':
      return stages.inParts?.(plan, reading) ?? [read(plan)]
    case 'filter':
    case 'project':
    case 'expand':
      return split(plan.input).map((input) => applied(plan, input))
    case 'join': {
      if (plan.type === 'full') return [read(plan)]
      const rights = plan.type === 'inner' ? split(plan.right) : [read(plan.right)]
      return split(plan.left).flatMap((left) => rights.map((right) => joinedPlans(plan, left, right)))
    }
    case 'semi-join': {
      // a mark is one answer for each row
      const rights = plan.mark === null ? split(plan.right) : [read(plan.right)]
      return split(plan.left).flatMap((left) => matched(plan, left, rights))
    }
    case 'scan':
    case 'constant':
    case 'working-table':
    case 'union-all':
      return [read(plan)]
  }
}

/** Conditions, of which one at most holds: that a row has a match in one of the parts; `none`: that it has in none. */
export function matchesInParts(
  none: boolean,
  parts: readonly string[],
  conditions: readonly string[],
): readonly (readonly string[])[] {
  const matches = parts.map((part) => exists(part, conditions))
  if (none) return [matches.map((match) => `not ${match}`)]
  return matches.map((match, i) => [match, ...matches.slice(0, i).map((earlier) => `not ${earlier}`)])
}

function applied(plan: Filter | Project | Expand, input: string): string {
  const columns = plan.columns.map((column) => q(column.name))
  switch (plan.kind) {
    case 'filter':
      return select({ columns, from: `${nested(input)} f`, where: plan.predicates.map(printExpression) })
    case 'project':
      return select({
        columns: plan.items.map((item) => `${printExpression(item.expression)} as ${q(item.name)}`),
        from: `${nested(input)} p`,
      })
    case 'expand':
      return select({ columns, from: expanded(plan, `${nested(input)} e`) })
  }
}

function joinedPlans(plan: Join, left: string, right: string): string {
  const conditions = plan.conditions.map(printExpression)
  const from = joined(`${nested(left)} l`, `${nested(right)} r`, conditions, plan.type)
  return select({ columns: plan.columns.map((column) => q(column.name)), from })
}

/** In as many parts as the right side may match in; a mark join's is one. */
function matched(plan: SemiJoin, left: string, rights: readonly string[]): readonly string[] {
  const columns = plan.columns.map((column) => q(column.name))
  const conditions = plan.conditions.map(printExpression)
  const from = `${nested(left)} l`
  if (plan.mark === null)
    return matchesInParts(plan.type === 'anti', rights, conditions).map((where) => select({ columns, from, where }))
  const mark = q(plan.mark)
  return rights.map((right) => {
    const marked = `${exists(right, conditions)} as ${mark}`
    return select({ columns: columns.map((column) => (column === mark ? marked : column)), from })
  })
}

function relationName({ schema, table, readFrom }: Scan['relation']): string {
  const { schema: from, table: name } = readFrom ?? { schema, table }
  return `${q(from)}.${q(name)}`
}

/** The whole recursion, over its two sides as SQL. */
export function recursed(plan: Recursion, base: string, step: string): string {
  const columns = plan.columns.map((column) => q(column.name)).join(', ')
  const body = `${base}\n${plan.all ? 'union all' : 'union'}\n${step}`
  return `with recursive ${q(plan.name)} (${columns}) as (\n${indent(body)}\n)\nselect ${columns}\nfrom ${q(plan.name)}`
}

export function joined(
  left: string,
  right: string,
  conditions: readonly string[],
  type: Join['type'] = 'inner',
): string {
  const verb = type === 'inner' ? 'join' : `${type} join`
  if (conditions.length === 0)
    return type === 'inner' ? `${left}\ncross join ${right}` : `${left}\n${verb} ${right} on true`
  return `${left}\n${verb} ${right} on ${conditions.join(' and ')}`
}

/** `exists (…)`: the right side has a row that meets the conditions, which may name columns of the query around it. */
export function exists(right: string, conditions: readonly string[]): string {
  return `exists (\n${indent(select({ columns: ['1'], from: `${nested(right)} r`, where: conditions }))}\n)`
}

/** FROM item of a set-returning function called for each row of `input`. */
export function expanded(plan: Expand, input: string): string {
  const call = printFromItem(plan.call)
  return plan.type === 'inner' ? `${input}\ncross join ${call}` : `${input}\nleft join ${call} on true`
}

/** A partition-wise computation over any rows that hold whole partitions. */
export function transformed(plan: Partitioned, input: string): string {
  const from = `${nested(input)} w`
  const { transform } = plan
  const passed = plan.columns.map((column) => q(column.name))
  switch (transform.kind) {
    case 'window': {
      const calls = new Map(
        transform.calls.map((call) => [call.name, `${printExpression(call.call)} as ${q(call.name)}`]),
      )
      return select({ columns: plan.columns.map((column) => calls.get(column.name) ?? q(column.name)), from })
    }
    case 'distinct-on': {
      const keys = plan.keys.map(q).join(', ')
      const order = [...plan.keys.map(q), ...transform.order.map(printOrder)].join(', ')
      return `select distinct on (${keys}) ${passed.join(', ')}\nfrom ${from}\norder by ${order}`
    }
    case 'limit': {
      if (plan.keys.length > 0) return limitedPartitions(plan, transform, from)
      const order = transform.order.length === 0 ? [] : [`order by ${transform.order.map(printOrder).join(', ')}`]
      const offset = transform.offset === null ? [] : [`offset ${printExpression(transform.offset)} rows`]
      const limit =
        transform.limit === null
          ? []
          : [`fetch first ${limitCount(transform.limit)} rows ${transform.withTies ? 'with ties' : 'only'}`]
      return [select({ columns: passed, from }), ...order, ...offset, ...limit].join('\n')
    }
  }
}

/** LIMIT of every partition: rows are counted instead, ties by their rank. A limit that is null is none. */
function limitedPartitions(plan: Partitioned, limit: Extract<Transform, { kind: 'limit' }>, from: string): string {
  const passed = plan.columns.map((column) => q(column.name))
  const order = limit.order.length === 0 ? '' : ` order by ${limit.order.map(printOrder).join(', ')}`
  const window = `partition by ${plan.keys.map(q).join(', ')}${order}`
  const offset = limit.offset === null ? null : `coalesce(${limitCount(limit.offset)}, 0)`
  const last = limit.withTies ? '__rank' : '__row'
  const counted = select({
    columns: [
      '*',
      `row_number() over (${window}) as __row`,
      ...(limit.withTies ? [`rank() over (${window}) as __rank`] : []),
    ],
    from,
  })
  const within =
    limit.limit === null
      ? []
      : [`coalesce(${last}${offset === null ? '' : ` - ${offset}`} <= ${limitCount(limit.limit)}, true)`]
  return select({
    columns: passed,
    from: `${nested(counted)} c`,
    where: [...(offset === null ? [] : [`__row > ${offset}`]), ...within],
  })
}

function limitCount(limit: Ast): string {
  return `(${printExpression(limit)})`
}

function renamed(from: string, to: string): string {
  return from === to ? q(from) : `${q(from)} as ${q(to)}`
}

/** The reading that costs nothing: before where everything below is kept in state tables, after otherwise. */
export function nativeReading(plan: Plan): Reading | 'either' {
  switch (plan.kind) {
    case 'scan':
      return 'after'
    case 'constant':
    case 'working-table':
      return 'either'
    case 'aggregate':
    case 'partitioned':
    case 'recursion':
      return 'before'
    case 'filter':
    case 'project':
    case 'expand':
      return nativeReading(plan.input)
    case 'join':
    case 'semi-join':
      return both([plan.left, plan.right].map(nativeReading))
    case 'union-all':
      return both(plan.inputs.map(nativeReading))
  }
}

function both(readings: readonly (Reading | 'either')[]): Reading | 'either' {
  const decided = readings.filter((reading) => reading !== 'either')
  if (decided.length === 0) return 'either'
  return decided.every((reading) => reading === 'before') ? 'before' : 'after'
}
