import type { Random } from '@freshet/testkit'
import { expression, type Column, type Scope } from './expression.ts'
import type { FromItem } from './query.ts'

/** Functions that return sets: in FROM, where they see the items before them, and in the target list. */
export function lateralFunction(random: Random, scope: Scope, alias: string): { item: FromItem; columns: Scope } {
  const array = () => expression(random, scope, 'array', 1)
  const series = () => `generate_series(1, least(${expression(random, scope, 'int', 0)}, 3))`
  const form = random.weighted<() => { source: string; types: readonly Column['type'][]; names?: readonly string[] }>([
    [5, () => ({ source: `unnest(${array()})`, types: ['int'] })],
    [3, () => ({ source: `unnest(${array()}) with ordinality`, types: ['int', 'bigint'] })],
    [4, () => ({ source: series(), types: ['int'] })],
    [2, () => ({ source: `unnest(${array()}, ${array()})`, types: ['int', 'int'] })],
    [
      2,
      () => ({
        source: `rows from (unnest(${array()}), ${series()}) with ordinality`,
        types: ['int', 'int', 'bigint'],
      }),
    ],
    [2, () => ({ source: elements(random, scope), types: ['text'] })],
    [1, () => ({ source: `string_to_table(${expression(random, scope, 'text', 0)}, 'a')`, types: ['text'] })],
    [1, () => ({ source: fields(random, scope), types: ['text', 'text'], names: ['key', 'value'] })],
    [1, () => ({ source: series(), types: ['int'], names: [alias] })],
  ])()
  const names = form.names ?? form.types.map((_, i) => `c${i + 1}`)
  const item: FromItem = {
    alias: form.names === undefined ? `${alias}(${names.join(', ')})` : alias,
    source: form.source,
    join: random.weighted([
      [5, 'lateral'],
      [3, 'left'],
      [2, 'inner'],
    ]),
    on: [],
  }
  return { item, columns: names.map((name, i) => ({ sql: `${alias}.${name}`, type: form.types[i] ?? 'int' })) }
}

/** A target that gives none, one or several rows for a row. */
export function setReturningItem(random: Random, scope: Scope): Column {
  const int = () => expression(random, scope, 'int', 0)
  return random.weighted<() => Column>([
    [4, () => ({ sql: `generate_series(1, least(${int()}, 3))`, type: 'int' })],
    [4, () => ({ sql: `unnest(${expression(random, scope, 'array', 1)})`, type: 'int' })],
    [2, () => ({ sql: `unnest(${expression(random, scope, 'array', 1)}) + 1`, type: 'int' })],
    [1, () => ({ sql: elements(random, scope), type: 'text' })],
  ])()
}

function elements(random: Random, scope: Scope): string {
  const json = expression(random, scope, 'json', 0)
  return `json_array_elements_text(case when json_typeof(${json}) = 'array' then ${json} end)`
}

function fields(random: Random, scope: Scope): string {
  const json = expression(random, scope, 'json', 0)
  return `json_each_text(case when json_typeof(${json}) = 'object' then ${json} end)`
}
