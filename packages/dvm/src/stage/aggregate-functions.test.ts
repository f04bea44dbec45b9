import { describe, expect, test } from 'vitest'
import { as, isObject, list, soleColumn } from '../ast.ts'
import { type } from '../facts.fixture.ts'
import { parseSelect } from '../parse.ts'
import type { AggregateCall } from '../plan/plan.ts'
import { maintain, type Maintained } from './aggregate-functions.ts'

function call(method: AggregateCall['method'], text: string): AggregateCall {
  const value = as('ResTarget', list(parseSelect(`select ${text}`)['targetList'])[0])?.['val']
  if (!isObject(value)) throw new Error('no call')
  const body = as('FuncCall', value) ?? {}
  const [argument] = list(body['args'])
  const filter = body['agg_filter']
  return {
    name: method,
    method,
    call: value,
    argument: argument === undefined ? null : (soleColumn(argument) ?? null),
    filter: isObject(filter) ? (soleColumn(filter) ?? null) : null,
  }
}

function maintained(
  method: AggregateCall['method'],
  text: string,
  argument: string,
  result: string,
  single = false,
): Maintained {
  return maintain(
    call(method, text),
    { argument: type(argument), result: type(result) },
    { argumentNotNull: false, single, shownOnly: false },
  )
}

/** Each slot: what it holds, its delta, its next value, when it is computed again; then the value. */
function shown({ slots, value }: Maintained): string {
  const stored = (slot: { readonly identity: string }) => `t.[${slot.identity}]`
  const lines = slots.map((slot) =>
    [
      `${slot.identity}: ${slot.sql} = ${slot.full}`,
      ...Object.entries(slot.deltas).map(([name, expression]) => `  ${name} := ${expression}`),
      `  next  ${slot.next === null ? 'none' : slot.next(stored)}`,
      ...slot.again.map((condition) => `  again ${condition(stored)}`),
    ].join('\n'),
  )
  return [...lines, `= ${value(stored)}`].join('\n')
}

describe('what adds up', () => {
  test('count', () => {
    expect(shown(maintained('count', 'count(*)', 'integer', 'bigint'))).toMatchInlineSnapshot(`
      "count(*): bigint = count(*)
        __count(*) := sum(__w)
        next  coalesce(t.[count(*)], 0) + coalesce(d."__count(*)", 0)::bigint
      = t.[count(*)]"
    `)
    expect(shown(maintained('count', 'count(a) filter (where f)', 'integer', 'bigint'))).toMatchInlineSnapshot(`
      "count filter (where a is not null and f): bigint = count(*) filter (where a is not null and f)
        __count filter (where a is not null and f) := sum(__w) filter (where a is not null and f)
        next  coalesce(t.[count filter (where a is not null and f)], 0) + coalesce(d."__count filter (where a is not null and f)", 0)::bigint
      = t.[count filter (where a is not null and f)]"
    `)
  })

  test('sum of integers', () => {
    expect(shown(maintained('sum', 'sum(a)', 'integer', 'bigint'))).toMatchInlineSnapshot(`
      "sum(a) as bigint: bigint = (sum(a))::bigint
        __sum a := sum(a::bigint * __w)
        next  case when coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint = 0 then null else (coalesce(t.[sum(a) as bigint], 0) + coalesce(d."__sum a", 0))::bigint end
      count filter (where a is not null): bigint = count(*) filter (where a is not null)
        __count filter (where a is not null) := sum(__w) filter (where a is not null)
        next  coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint
      = t.[sum(a) as bigint]"
    `)
  })

  test('sum of bigints: the product with a weight must not overflow', () => {
    expect(shown(maintained('sum', 'sum(a)', 'bigint', 'numeric'))).toContain('else a::numeric * __w end')
  })

  test('sum of numerics: NaN and infinities can not be taken back, a scale may leave', () => {
    expect(shown(maintained('sum', 'sum(a)', 'numeric', 'numeric'))).toMatchInlineSnapshot(`
      "sum(a) as numeric with its scale: numeric = (sum(a))::numeric
        __sum a := sum(case when __w = 1 then a when __w = -1 then -a else a * __w end)
        __scale that left, sum(a) as numeric := max(scale(a)) filter (where __w < 0)
        next  case when coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint = 0 then null else (coalesce(t.[sum(a) as numeric with its scale], 0) + coalesce(d."__sum a", 0))::numeric end
        again (coalesce(t.[sum(a) as numeric with its scale], 0) + coalesce(d."__sum a", 0)) = any ('{NaN,Infinity,-Infinity}'::numeric[])
        again ((d."__scale that left, sum(a) as numeric" > scale(t.[sum(a) as numeric with its scale]) or (d."__scale that left, sum(a) as numeric" = scale(t.[sum(a) as numeric with its scale]) and least(t.[least scale of sum(a) as numeric], d."__scale that arrived, sum(a) as numeric") < scale(t.[sum(a) as numeric with its scale]))) and (scale(t.[sum(a) as numeric with its scale]) > 4 or abs(t.[sum(a) as numeric with its scale]) >= 1e12))
      least scale of sum(a) as numeric: integer = min(scale(a))
        __scale that arrived, sum(a) as numeric := min(scale(a)) filter (where __w > 0)
        next  least(t.[least scale of sum(a) as numeric], d."__scale that arrived, sum(a) as numeric")
      count filter (where a is not null): bigint = count(*) filter (where a is not null)
        __count filter (where a is not null) := sum(__w) filter (where a is not null)
        next  coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint
      = t.[sum(a) as numeric with its scale]"
    `)
    expect(shown(maintained('sum', 'sum(a)', 'numeric(12,2)', 'numeric'))).not.toContain('scale')
  })

  test('average', () => {
    expect(shown(maintained('avg', 'avg(a)', 'integer', 'numeric'))).toMatchInlineSnapshot(`
      "sum(a) as numeric: numeric = (sum(a))::numeric
        __sum a := sum(a::bigint * __w)
        next  case when coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint = 0 then null else (coalesce(t.[sum(a) as numeric], 0) + coalesce(d."__sum a", 0))::numeric end
      count filter (where a is not null): bigint = count(*) filter (where a is not null)
        __count filter (where a is not null) := sum(__w) filter (where a is not null)
        next  coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint
      = t.[sum(a) as numeric] / nullif(t.[count filter (where a is not null)], 0)"
    `)
  })

  test('boolean: the deciding ones are counted', () => {
    expect(shown(maintained('bool_and', 'bool_and(a)', 'boolean', 'boolean'))).toMatchInlineSnapshot(`
      "count filter (where not a): bigint = count(*) filter (where not a)
        __count filter (where not a) := sum(__w) filter (where not a)
        next  coalesce(t.[count filter (where not a)], 0) + coalesce(d."__count filter (where not a)", 0)::bigint
      count filter (where a is not null): bigint = count(*) filter (where a is not null)
        __count filter (where a is not null) := sum(__w) filter (where a is not null)
        next  coalesce(t.[count filter (where a is not null)], 0) + coalesce(d."__count filter (where a is not null)", 0)::bigint
      = case when t.[count filter (where a is not null)] > 0 then t.[count filter (where not a)] = 0 end"
    `)
    expect(
      shown(maintained('bool_or', 'bool_or(a)', 'boolean', 'boolean'))
        .split('\n')
        .at(-1),
    ).toMatchInlineSnapshot(
      `"= case when t.[count filter (where a is not null)] > 0 then t.[count filter (where a)] > 0 end"`,
    )
  })
})

describe('what takes the extremum', () => {
  test('minimum: again when it may have left, unless the whole group did', () => {
    expect(shown(maintained('min', 'min(a)', 'integer', 'integer'))).toMatchInlineSnapshot(`
      "min(a): integer = min(a)
        __arrived min(a) := min(a) filter (where __w > 0)
        __left min(a) := min(a) filter (where __w < 0)
        next  least(t.[min(a)], d."__arrived min(a)")
        again (d."__left min(a)" <= least(t.[min(a)], d."__arrived min(a)") and coalesce(t.[count(*)], 0) + coalesce(d."__count(*)", 0)::bigint > 0)
      = t.[min(a)]"
    `)
  })

  test('maximum of the one group there is', () => {
    expect(shown(maintained('max', 'max(a) filter (where f)', 'text', 'text', true))).toMatchInlineSnapshot(`
      "max(a) filter (where f): text = max(a) FILTER (WHERE f)
        __arrived max(a) filter (where f) := max(a) filter (where __w > 0 and f)
        __left max(a) filter (where f) := max(a) filter (where __w < 0 and f)
        next  greatest(t.[max(a) filter (where f)], d."__arrived max(a) filter (where f)")
        again d."__left max(a) filter (where f)" >= greatest(t.[max(a) filter (where f)], d."__arrived max(a) filter (where f)")
      = t.[max(a) filter (where f)]"
    `)
  })
})

describe('what is computed again for the groups that changed', () => {
  test.each([
    ['sum of floats', maintained('sum', 'sum(a)', 'double precision', 'double precision')],
    ['average of floats', maintained('avg', 'avg(a)', 'double precision', 'double precision')],
    ['minimum of a type that is not PostgreSQL’s own', maintained('min', 'min(a)', 'public.citext', 'public.citext')],
    ['any other', maintained('recompute', `string_agg(a, ',' order by a)`, 'text', 'text')],
  ])('%s', (_, { slots }) => {
    expect(slots).toHaveLength(1)
    expect(slots[0]).toMatchObject({ next: null, deltas: {} })
    expect(slots[0]?.again.map((condition) => condition(() => ''))).toEqual(['true'])
  })
})

test('equal calls share their slots; long names are cut and told apart', () => {
  const [a, b] = ['sum(a)', 'avg(a)'].map((text) =>
    maintained(text.startsWith('sum') ? 'sum' : 'avg', text, 'numeric(12,2)', 'numeric').slots.map(
      ({ identity }) => identity,
    ),
  )
  expect(a).toEqual(b)
  const long = (column: string) =>
    Object.keys(maintained('sum', `sum(${column})`, 'integer', 'bigint').slots[0]?.deltas ?? {})
  const [x = '', y = ''] = [long(`${'x'.repeat(60)}1`), long(`${'x'.repeat(60)}2`)].flat()
  expect(x).not.toBe(y)
  expect(new TextEncoder().encode(x).length).toBeLessThan(64)
})
