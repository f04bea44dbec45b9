import { as, columnRef, columnsOf, fingerprint, isObject, soleColumn, type Ast } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import { Unbindable, type Binding, type Bound } from './bind.ts'
import { equals } from './conditions.ts'
import { freeColumns } from './free-columns.ts'
import { isEquality, keysOf } from './keys.ts'
import type { Names } from './names.ts'
import { distinct, filter, inputsOf, project, type Plan } from './plan.ts'

/**
 * Where the rows of a dependent join's domain come from, cheapest first:
 *
 *   the outer rows themselves   nothing has to tell them apart:        D = R, and the join is done
 *   the inner rows' own keys    S compares f(S) = g(R) and no more:    no D, k = f(S)
 *   a relation of its own       the outer rows by their key, or else the different values of what S names
 */

/** For a plan without state that meets the outer rows once. */
export function outerRows(left: Plan): Binding {
  const columns = left.columns.map((column) => column.name)
  const values = new Map(columns.map((name) => [name, name]))
  return { outer: new Set(columns), keyed: false, instance: () => ({ plan: left, keys: columns, values }) }
}

/** Compares: the outer expressions that the inner keys stand for, known once the plan is bound. */
export interface InnerKeys extends Binding {
  readonly compared: readonly Ast[]
}

/**
 * A collation that lets different strings be equal, or one that only the outer side has, makes `=` something else
 * than the equality by which the inner rows are grouped: then the keys do not follow from the inner rows.
 */
export function innerKeys(left: Plan, facts: QueryFacts, names: Names): InnerKeys {
  const outer = new Set(left.columns.map((column) => column.name))
  const collated = hasCollations(facts)
  const compared: Ast[] = []
  return {
    outer,
    keyed: true,
    compared,
    instance: () => {
      throw new Unbindable('the inner rows can not stand for the outer ones')
    },
    filtered: (input, predicates) => {
      const correlated = predicates.filter((predicate) => namesSome(predicate, outer))
      const pairs = correlated.map((predicate) => innerEquality(predicate, outer))
      if (collated || pairs.length === 0 || pairs.some((pair) => pair === undefined)) throw new Unbindable('not by =')
      const known = pairs.flatMap((pair) => (pair === undefined ? [] : [pair]))
      if (compared.length === 0) compared.push(...known.map((pair) => pair.outer))
      const prints = known.map((pair) => fingerprint(pair.outer))
      const inner = compared.map((expression) => known[prints.indexOf(fingerprint(expression))]?.inner)
      if (known.length !== compared.length || new Set(prints).size !== prints.length)
        throw new Unbindable('not the same')
      const keys = inner.map((expression) => {
        if (expression === undefined) throw new Unbindable('not the same')
        return { name: names.fresh('key'), expression, notNull: false }
      })
      const plan = filter(
        input,
        predicates.filter((predicate) => !correlated.includes(predicate)),
      )
      const own = plan.columns.map((column) => ({ ...column, expression: columnRef(column.name) }))
      return { plan: project(plan, [...keys, ...own]), keys: keys.map((key) => key.name), values: new Map() }
    },
  }
}

/** The join's condition: what the outer rows compare with the inner keys. */
export function onInnerKeys(binding: InnerKeys, bound: Bound): Ast[] {
  return binding.compared.map((expression, i) => equals(columnRef(bound.keys[i] ?? ''), expression))
}

export interface Domain extends Binding {
  /** The outer rows' own key, in the order of a bound plan's keys. */
  readonly key: readonly Ast[]
}

export function domain(left: Plan, inner: Plan, names: Names): Domain {
  const outer = new Set([...freeColumns(inner)].filter((name) => left.columns.some((column) => column.name === name)))
  const rows = narrowest(left, outer)
  const [key] = keysOf(rows)
    .filter((candidate) => candidate.every((name) => isNotNull(rows, name)))
    .toSorted((a, b) => a.length - b.length)
  return key === undefined || key.length === 0 ? byValue(rows, outer, names) : byKey(rows, key, outer, names)
}

function byKey(rows: Plan, key: readonly string[], outer: ReadonlySet<string>, names: Names): Domain {
  return {
    outer,
    keyed: true,
    key: key.map(columnRef),
    instance: () => {
      const fresh = new Map([...key, ...outer].map((name) => [name, names.again(name)]))
      const items = [...fresh].map(([name, own]) => ({
        name: own,
        expression: columnRef(name),
        notNull: isNotNull(rows, name),
      }))
      return {
        plan: project(rows, items),
        keys: key.map((name) => fresh.get(name) ?? name),
        values: new Map([...outer].map((name) => [name, fresh.get(name) ?? name])),
      }
    },
  }
}

/**
 * Rows without a key: the different values, told apart by their image, for equal values may still differ; and
 * by those that are never null and have an equality as well, which an index finds.
 */
function byValue(rows: Plan, outer: ReadonlySet<string>, names: Names): Domain {
  const all = [...outer]
  const required = all.filter((name) => isNotNull(rows, name) && isGroupable(rows, name))
  const image = imageOf(all)
  const groupable = all.every((name) => isGroupable(rows, name))
  return {
    outer,
    keyed: true,
    key: [...required.map(columnRef), image],
    instance: () => {
      const fresh = new Map(all.map((name) => [name, names.again(name)]))
      const imageName = names.fresh('image')
      const values = all.map((name) => ({
        name: fresh.get(name) ?? name,
        expression: columnRef(name),
        notNull: isNotNull(rows, name),
      }))
      const keys = [...required.map((name) => fresh.get(name) ?? name), imageName]
      const input = project(rows, [...values, { name: imageName, expression: image, notNull: true }])
      return { plan: groupable ? distinct(input) : firstOfEach(input, keys), keys, values: fresh }
    },
  }
}

/** One row of each key, whatever the types of the others: it costs a look at the rows, where counting them does not. */
function firstOfEach(input: Plan, keys: readonly string[]): Plan {
  return { kind: 'partitioned', input, keys, transform: { kind: 'distinct-on', order: [] }, columns: input.columns }
}

/** Whether GROUP BY surely takes the column: json, xml and geometric types have no equality for it. */
function isGroupable(plan: Plan, name: string): boolean {
  switch (plan.kind) {
    case 'scan': {
      const source = plan.sourceColumns[plan.columns.findIndex((column) => column.name === name)]
      const type = plan.relation.columns.find((column) => column.name === source)?.type
      return type === undefined || GROUPABLE.has(type.oid)
    }
    case 'project': {
      const expression = plan.items.find((item) => item.name === name)?.expression
      const column = expression === undefined ? undefined : soleColumn(expression)
      return column !== undefined && isGroupable(plan.input, column)
    }
    case 'aggregate':
      return plan.keys.includes(name)
    default:
      return inputsOf(plan).some(
        (input) => input.columns.some((column) => column.name === name) && isGroupable(input, name),
      )
  }
}

/** bool, bytea, int8, int2, int4, text, float4, float8, bpchar, varchar, date, time, timestamp, timestamptz, interval, numeric, uuid, jsonb */
const GROUPABLE: ReadonlySet<number> = new Set([
  16, 17, 20, 21, 23, 25, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1700, 2950, 3802,
])

export function onDomain(binding: Domain, bound: Bound): Ast[] {
  return binding.key.map((expression, i) => equals(expression, columnRef(bound.keys[i] ?? '')))
}

/** The smallest part of the outer plan that has the columns and pads none of them with nulls. */
function narrowest(plan: Plan, columns: ReadonlySet<string>): Plan {
  const has = (part: Plan) => [...columns].every((name) => part.columns.some((column) => column.name === name))
  switch (plan.kind) {
    case 'filter':
    case 'expand':
      return has(plan.input) ? narrowest(plan.input, columns) : plan
    case 'semi-join':
      return has(plan.left) ? narrowest(plan.left, columns) : plan
    case 'join':
      if (plan.type !== 'full' && has(plan.left)) return narrowest(plan.left, columns)
      if (plan.type === 'inner' && has(plan.right)) return narrowest(plan.right, columns)
      return plan
    default:
      return plan
  }
}

function isNotNull(plan: Plan, name: string): boolean {
  return plan.columns.some((column) => column.name === name && column.notNull)
}

/** Over the values' texts, which are exact: a row's image names its types, and a change buffer has no domains. */
function imageOf(columns: readonly string[]): Ast {
  const texts = columns.map((name): Ast => ({
    TypeCast: { arg: columnRef(name), typeName: { names: [{ String: { sval: 'text' } }], typemod: -1 } },
  }))
  const row: Ast = { RowExpr: { args: texts, row_format: 'COERCE_EXPLICIT_CALL' } }
  return {
    FuncCall: { funcname: [{ String: { sval: 'record_send' } }], args: [row], funcformat: 'COERCE_EXPLICIT_CALL' },
  }
}

function namesSome(expression: Ast, columns: ReadonlySet<string>): boolean {
  return [...columnsOf(expression)].some((name) => columns.has(name))
}

function innerEquality(condition: Ast, outer: ReadonlySet<string>): { inner: Ast; outer: Ast } | undefined {
  if (!isEquality(condition)) return undefined
  const body = as('A_Expr', condition)
  const [left, right] = [body?.['lexpr'], body?.['rexpr']]
  if (!isObject(left) || !isObject(right)) return undefined
  const isInner = (side: Ast) => columnsOf(side).size > 0 && !namesSome(side, outer)
  const isOuter = (side: Ast) => columnsOf(side).size > 0 && [...columnsOf(side)].every((name) => outer.has(name))
  if (isInner(left) && isOuter(right)) return { inner: left, outer: right }
  if (isInner(right) && isOuter(left)) return { inner: right, outer: left }
  return undefined
}

export function hasCollations(facts: QueryFacts): boolean {
  const ofColumns = [...facts.relations.values()].some(({ columns }) =>
    columns.some((column) => column.collation !== null),
  )
  const texts = [facts.definition, ...[...facts.relations.values()].map(({ definition }) => definition ?? '')]
  return ofColumns || texts.some((text) => /\bcollate\b/i.test(text))
}
