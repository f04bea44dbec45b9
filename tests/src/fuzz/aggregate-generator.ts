import type { Random } from '@freshet/testkit'
import { expression, predicate, someType, type Column, type Scope } from './expression.ts'
import type { TypeName } from './type.ts'

/** Aggregate calls over the columns in scope, with the type that they give. `any`: also those that do not add up. */
export function aggregate(random: Random, scope: Scope, comparable: boolean, any: boolean): Column {
  const type = random.chance(0.35)
    ? 'bigint'
    : any && random.chance(0.2)
      ? random.pick<TypeName>(comparable ? ['text', 'array'] : ['text', 'array', 'json'])
      : someType(random, scope, comparable)
  const call = aggregateOf(random, scope, type, any)
  return call === null ? { sql: `count(*)${filter(random, scope)}`, type: 'bigint' } : { sql: call, type }
}

/** An aggregate that gives the wanted type; null when there is none. */
export function aggregateOf(random: Random, scope: Scope, type: TypeName, any: boolean): string | null {
  const of = (inner: TypeName) => expression(random, scope, inner, random.chance(0.7) ? 0 : 1)
  const extremum = () => `${random.pick(['min', 'max'])}(${of(type)})`
  const forms: Readonly<Record<TypeName, readonly (() => string)[]>> = {
    int: [extremum],
    bigint: [
      () => 'count(*)',
      () => `count(${of(someType(random, scope, false))})`,
      () => `sum(${of('int')})`,
      extremum,
    ],
    numeric: [
      () => `sum(${of(random.pick(['bigint', 'numeric']))})`,
      () => `avg(${of(random.pick(['int', 'bigint', 'numeric']))})`,
      extremum,
    ],
    double: [() => `sum(${of('double')})`, () => `avg(${of('double')})`, extremum],
    text: [extremum],
    boolean: [() => `${random.pick(['bool_and', 'bool_or', 'every'])}(${of('boolean')})`],
    date: [extremum],
    timestamptz: [extremum],
    enum: [extremum],
    array: [extremum],
    numbers: [extremum],
    // of a range there is none, of a composite not in every version
    range: [],
    composite: [],
    json: [],
    domain: [],
  }
  const others = any ? holistic(random, scope, of)[type] : undefined
  if (others !== undefined && (forms[type].length === 0 || random.chance(0.35)))
    return random.pick(others)() + filter(random, scope)
  if (forms[type].length === 0) return null
  return random.pick(forms[type])() + filter(random, scope)
}

/** Aggregates of distinct values, ordered, or of a position: each with one answer, whatever the order of the rows. */
function holistic(
  random: Random,
  scope: Scope,
  of: (type: TypeName) => string,
): Partial<Readonly<Record<TypeName, readonly (() => string)[]>>> {
  const ordered = (name: string, type: TypeName, separator = '') => {
    const value = of(type)
    return `${name}(${random.chance(0.3) ? 'distinct ' : ''}${value}${separator} order by ${value}${random.chance(0.3) ? ' desc' : ''})`
  }
  return {
    bigint: [
      () => `count(distinct ${of(someType(random, scope, true))})`,
      () => `sum(distinct ${of('int')})`,
      () => `rank(2) within group (order by ${of('int')})`,
      () => `regr_count(${of('int')}, ${of('double')})`,
    ],
    numeric: [
      () => `sum(distinct ${of('numeric')})`,
      () => `avg(distinct ${of('int')})`,
      () => `${random.pick(['stddev_pop', 'var_samp', 'variance'])}(${of('int')})`,
    ],
    double: [() => `percentile_cont(0.5) within group (order by ${of('double')})`],
    text: [() => ordered('string_agg', 'text', `, ','`), () => ordered('string_agg', 'text', `, '-'`)],
    array: [() => ordered('array_agg', 'int')],
    json: [() => ordered('json_agg', 'text'), () => ordered('json_agg', 'int')],
    int: [
      () => `percentile_disc(${random.pick(['0', '0.5', '1'])}) within group (order by ${of('int')})`,
      () => `mode() within group (order by ${of('int')})`,
      () => `bit_or(${of('int')})`,
    ],
    date: [() => `percentile_disc(0.5) within group (order by ${of('date')})`],
    enum: [() => `mode() within group (order by ${of('enum')})`],
  }
}

function filter(random: Random, scope: Scope): string {
  return random.chance(0.2) ? ` filter (where ${predicate(random, scope, 1)})` : ''
}
