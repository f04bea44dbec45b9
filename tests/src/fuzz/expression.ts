import type { Random } from '@freshet/testkit'
import { ALL_TYPES, constant, literal, TYPES, type TypeName } from './type.ts'

/**
 * Random scalar expressions of a wanted type over the columns in scope. They never fail at run time (no division by
 * zero, no overflow) and never show how an equal value is written (1.0 against 1.00), because a group may keep
 * either: every difference that the oracle finds is then a fault.
 */
export interface Column {
  /** As an expression writes it: `r1.c2`. */
  readonly sql: string
  readonly type: TypeName
}

export type Scope = readonly Column[]

export function expression(random: Random, scope: Scope, type: TypeName, depth: number): string {
  const columns = scope.filter((column) => column.type === type)
  if (columns.length > 0 && (depth <= 0 || random.chance(0.65))) return random.pick(columns).sql
  if (depth <= 0 || random.chance(0.07)) return literal(random, type)
  return compound(random, scope, type, depth - 1)
}

function compound(random: Random, scope: Scope, type: TypeName, depth: number): string {
  const of = (inner: TypeName) => expression(random, scope, inner, depth)
  const common = [
    () => `coalesce(${of(type)}, ${literal(random, type, 'even', true)})`,
    () => `case when ${predicate(random, scope, depth)} then ${of(type)} else ${of(type)} end`,
    () => `(case when ${predicate(random, scope, depth)} then ${of(type)} end)`,
  ]
  const special: Readonly<Record<TypeName, readonly (() => string)[]>> = {
    int: [
      () => `(${of('int')} % 3)`,
      () => `abs(${of('int')})`,
      () => `length(${of('text')})`,
      () => `cardinality(${of('array')})`,
      () => `(${of('boolean')})::int`,
      () => `(${of('domain')} + 1)`,
      () => `least(${of('int')}, ${of('int')})`,
    ],
    bigint: [
      () => `(${of('int')})::bigint`,
      () => `(${of('int')} + 1::bigint)`,
      () => `greatest(${of('bigint')}, 1::bigint)`,
    ],
    numeric: [
      () => `(${of('int')})::numeric`,
      () => `(${of('numeric')} * 2)`,
      () => `(${of('numeric')} - ${of('numeric')})`,
      () => `(- ${of('numeric')})`,
      () => `lower(${of('range')})`,
      () => `(${of('composite')}).number`,
    ],
    double: [() => `(${of('int')})::double precision`, () => `(${of('double')} * 0.5)`],
    text: [
      () => `(${of('text')} || ${of('text')})`,
      () => `upper(${of('text')})`,
      () => `substr(${of('text')}, 1, 1)`,
      () => `(${of('int')})::text`,
      () => `(${of('enum')})::text`,
      () => `(${of('json')} ->> 'a')`,
      () => `concat(${of('text')}, '-', ${of('boolean')})`,
    ],
    boolean: [() => `(${predicate(random, scope, depth)})`],
    date: [() => `(${of('date')} + 1)`],
    timestamptz: [() => `(${of('timestamptz')} + interval '1 hour')`],
    json: [() => `json_build_object('a', ${of('int')})`],
    enum: [],
    domain: [() => `(${of('domain')})::fz.small`],
    array: [() => `array[${of('int')}, ${of('int')}]`, () => longer(of('array'), of('int'))],
    numbers: [() => `array[${of('numeric')}]`, () => longer(of('numbers'), of('numeric'))],
    range: [() => `(${of('range')} * ${of('range')})`],
    composite: [() => `row(${of('numeric')}, ${of('text')})::fz.pair`],
  }
  return random.pick([...common, ...special[type], ...special[type]])()
}

/** To an array of several dimensions nothing can be appended. */
function longer(array: string, value: string): string {
  return `case when array_ndims(${array}) > 1 then ${array} else array_append(${array}, ${value}) end`
}

/** Conditions of every level multiply: those that most rows meet are likelier, or nothing is left to maintain. */
const COMPARISONS = [
  [1, '='],
  [1, '<'],
  [1, '>'],
  [3, '<>'],
  [3, '<='],
  [3, '>='],
  [2, 'is distinct from'],
  [1, 'is not distinct from'],
] as const

export function predicate(random: Random, scope: Scope, depth: number): string {
  const type = random.pick(scope.length > 0 ? scope.map((column) => column.type) : (['int'] as const))
  const operand = () => expression(random, scope, type, depth - 1)
  const inner = () => predicate(random, scope, depth - 1)
  const value = () => literal(random, type, 'even', random.chance(0.97))
  const other = (than: string) => {
    const second = operand()
    return second === than || random.chance(0.6) ? value() : second
  }
  const forms: [number, () => string][] = [
    [2, () => `${operand()} is ${random.chance(0.75) ? 'not ' : ''}null`],
    [1, () => expression(random, scope, 'boolean', depth - 1)],
  ]
  if (TYPES[type].comparable) {
    forms.push(
      [
        8,
        () => {
          const first = operand()
          return `${first} ${random.weighted(COMPARISONS)} ${other(first)}`
        },
      ],
      [2, () => `${operand()} ${random.chance(0.6) ? 'not ' : ''}in (${value()}, ${value()}, ${value()})`],
      [1, () => `${operand()} between ${value()} and ${operand()}`],
    )
  }
  if (type === 'text')
    forms.push([2, () => `${operand()} like ${constant(random.pick(['a%', '%b', '_', '%']), 'text')}`])
  if (type === 'array') forms.push([2, () => `1 = any (${operand()})`])
  if (depth > 0) {
    forms.push(
      [1, () => `(${inner()} and ${inner()})`],
      [3, () => `(${inner()} or ${inner()})`],
      [1, () => `not (${inner()})`],
      [1, () => `(${inner()}) is ${random.pick(['true', 'not true', 'not false', 'not unknown', 'unknown', 'false'])}`],
    )
  }
  return random.weighted(forms)()
}

/** A type that some column in scope has, or any; with an equality when `comparable` is asked for. */
export function someType(random: Random, scope: Scope, comparable: boolean): TypeName {
  const fits = (type: TypeName) => !comparable || TYPES[type].comparable
  const present = scope.map((column) => column.type).filter(fits)
  return present.length > 0 && random.chance(0.9) ? random.pick(present) : random.pick(ALL_TYPES.filter(fits))
}
