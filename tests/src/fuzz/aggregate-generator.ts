import type { Random } from '@freshet/testkit'
import { expression, predicate, someType, type Column, type Scope } from './expression.ts'
import type { TypeName } from './type.ts'

/** Aggregate calls over the columns in scope, with the type that they give. */
export function aggregate(random: Random, scope: Scope, comparable: boolean): Column {
  const type = random.chance(0.35) ? 'bigint' : someType(random, scope, comparable)
  const call = aggregateOf(random, scope, type)
  return call === null ? { sql: `count(*)${filter(random, scope)}`, type: 'bigint' } : { sql: call, type }
}

/** An aggregate that gives the wanted type; null when there is none. */
export function aggregateOf(random: Random, scope: Scope, type: TypeName): string | null {
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
    json: [],
    domain: [],
  }
  if (forms[type].length === 0) return null
  return random.pick(forms[type])() + filter(random, scope)
}

function filter(random: Random, scope: Scope): string {
  return random.chance(0.2) ? ` filter (where ${predicate(random, scope, 1)})` : ''
}
