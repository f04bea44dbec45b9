import type { Random } from '@freshet/testkit'

/**
 * The column types that random schemas use, each with a small pool of values, so that duplicates, matches and
 * emptied groups are frequent, and a few rare values that are known to be awkward.
 */
export type TypeName =
  | 'int'
  | 'bigint'
  | 'numeric'
  | 'double'
  | 'text'
  | 'boolean'
  | 'date'
  | 'timestamptz'
  | 'json'
  | 'enum'
  | 'domain'
  | 'array'
  | 'numbers'
  | 'range'
  | 'composite'

interface TypeFacts {
  /** As SQL names it; `fz` stands for the schema of the case. */
  readonly sql: string
  /** Has an equality: may be grouped, joined and made distinct. */
  readonly comparable: boolean
  readonly values: readonly string[]
  readonly awkward: readonly string[]
}

export const TYPES: Readonly<Record<TypeName, TypeFacts>> = {
  int: { sql: 'int', comparable: true, values: ['0', '1', '2', '3', '-1', '5'], awkward: ['1000000', '-1000000'] },
  bigint: {
    sql: 'bigint',
    comparable: true,
    values: ['0', '1', '2', '7'],
    awkward: ['9007199254740993', '-9007199254740993'],
  },
  // equal values of different scale; a sum must forget the scale of what left; NaN and infinities do not subtract
  numeric: {
    sql: 'numeric',
    comparable: true,
    values: ['0', '1', '1.0', '1.00', '2.5', '-3.25', '0.1'],
    awkward: ['NaN', 'Infinity', '-Infinity', '0.00000000000000000001', '123456789012345678901234567890'],
  },
  // halves and quarters: their sums are exact in any order
  double: {
    sql: 'double precision',
    comparable: true,
    values: ['0', '0.5', '-0.25', '2', '3.75'],
    awkward: ['-0', 'NaN', 'Infinity', '-Infinity', '1e9'],
  },
  text: {
    sql: 'text',
    comparable: true,
    values: ['a', 'b', 'A', 'ab', ''],
    awkward: [' a', "a'b", 'ß', 'a\\b', 'NULL', '日本'],
  },
  boolean: { sql: 'boolean', comparable: true, values: ['true', 'false'], awkward: [] },
  date: {
    sql: 'date',
    comparable: true,
    values: ['2024-01-01', '2024-02-29', '2024-12-31'],
    awkward: ['infinity', '0044-03-15 BC'],
  },
  timestamptz: {
    sql: 'timestamptz',
    comparable: true,
    values: ['2024-01-01 00:00:00+00', '2024-01-01 01:00:00+01', '2024-03-31 01:30:00.123456+00'],
    awkward: ['-infinity'],
  },
  json: { sql: 'json', comparable: false, values: ['{"a":1}', '{"a": 1}', '{"a":"x"}', '[1,2]'], awkward: ['null'] },
  enum: { sql: 'fz.mood', comparable: true, values: ['sad', 'ok', 'happy'], awkward: [] },
  domain: { sql: 'fz.small', comparable: true, values: ['0', '1', '2', '50'], awkward: ['100'] },
  array: {
    sql: 'int[]',
    comparable: true,
    values: ['{}', '{1}', '{1,2}', '{2,1}'],
    awkward: ['{NULL}', '{1,NULL}', '[0:1]={5,6}'],
  },
  // made of what is equal and not the same
  numbers: {
    sql: 'numeric[]',
    comparable: true,
    values: ['{}', '{1}', '{1.0}', '{1.00,2}'],
    awkward: ['{NULL}', '{{1,2.0}}', '[0:1]={1,2}', '{NaN}'],
  },
  range: {
    sql: 'numrange',
    comparable: true,
    values: ['[1,2)', '[1.0,2.00)', '(1,2]', '[1,)'],
    awkward: ['empty', '(,)', '[NaN,]'],
  },
  composite: {
    sql: 'fz.pair',
    comparable: true,
    values: ['(1,a)', '(1.0,a)', '(,a)', '(2,)'],
    awkward: ['(,)', '(NaN,"")'],
  },
}

/** What every case's schema holds before its tables. */
export const TYPE_SETUP: readonly string[] = [
  `create type fz.mood as enum ('sad', 'ok', 'happy')`,
  'create domain fz.small as int check (value between -100 and 100)',
  'create type fz.pair as (number numeric, word text)',
]

export const ALL_TYPES: readonly TypeName[] = [
  'int',
  'bigint',
  'numeric',
  'double',
  'text',
  'boolean',
  'date',
  'timestamptz',
  'json',
  'enum',
  'domain',
  'array',
  'numbers',
  'range',
  'composite',
]

/** How the values of a column are distributed. */
export type Profile = 'even' | 'skewed' | 'null-heavy' | 'duplicate-heavy'

export function literal(random: Random, type: TypeName, profile: Profile = 'even', notNull = false): string {
  const { values, awkward } = TYPES[type]
  const nulls = notNull ? 0 : profile === 'null-heavy' ? 0.6 : 0.1
  if (random.chance(nulls)) return `null::${TYPES[type].sql}`
  const value =
    awkward.length > 0 && random.chance(0.04)
      ? random.pick(awkward)
      : profile === 'skewed' && random.chance(0.8)
        ? random.pick(values.slice(0, 1))
        : random.pick(profile === 'duplicate-heavy' ? values.slice(0, 2) : values)
  return constant(value, type)
}

export function constant(value: string, type: TypeName): string {
  return `'${value.replaceAll("'", "''")}'::${TYPES[type].sql}`
}
