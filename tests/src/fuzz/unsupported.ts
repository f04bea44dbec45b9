import type { Random } from '@freshet/testkit'
import { predicate, type Column } from './expression.ts'
import type { Select } from './query.ts'
import type { Generated, Source } from './query-generator.ts'
import { TYPES } from './type.ts'

/**
 * Queries with a part that is not among the operators maintained differentially. They must be refreshed in full, with
 * a reason, and be just as right.
 */
export function unsupported(random: Random, sources: readonly Source[]): Generated | null {
  const [one, two] = [random.pick(sources), random.pick(sources)]
  const left = one.columns.map((column) => ({ ...column, sql: `a.${column.sql}` }))
  const right = two.columns.map((column) => ({ ...column, sql: `b.${column.sql}` }))
  const comparable = (columns: readonly Column[]) => columns.filter(({ type }) => TYPES[type].comparable)
  const [key, value] = [random.pick(comparable(left).slice(0, 1).concat(left)), random.pick(left)]
  const pair = comparable(left).flatMap((l) =>
    comparable(right)
      .filter((r) => r.type === l.type)
      .map((r) => [l, r] as const),
  )[0]
  if (!TYPES[key.type].comparable || pair === undefined) return null

  const base: Select = {
    kind: 'select',
    with: [],
    distinct: false,
    items: [{ sql: key.sql, name: 'c1' }],
    from: [{ alias: 'a', source: one.sql, join: 'inner', on: [] }],
    where: [],
    groupBy: [],
    having: [],
  }
  const made = (select: Partial<Select>, second: Column | null): Generated => ({
    query: { ...base, ...select },
    columns: [{ sql: 'c1', type: key.type }, ...(second ? [{ sql: 'c2', type: second.type }] : [])],
    rows: one.rows,
  })
  const inner = `select 1 from ${two.sql} as b where ${pair[0].sql} = ${pair[1].sql} and (${predicate(random, right, 1)})`
  const items = (second: string) => [...base.items, { sql: second, name: 'c2' }]
  return random.pick([
    () =>
      made(
        {
          items: items(pair[1].sql),
          from: [...base.from, { alias: 'b', source: two.sql, join: 'left', on: [`${pair[0].sql} = ${pair[1].sql}`] }],
        },
        pair[1],
      ),
    () => made({ where: [`${random.chance(0.5) ? 'not ' : ''}exists (${inner})`] }, null),
    () => made({ items: items(`count(distinct ${pair[0].sql})`), groupBy: [key.sql] }, { sql: '', type: 'bigint' }),
    () =>
      made(
        { items: items(`string_agg(${value.sql}::text, ',' order by ${value.sql}::text)`), groupBy: [key.sql] },
        { sql: '', type: 'text' },
      ),
    () =>
      made(
        { items: items(`rank() over (partition by ${pair[0].sql} order by ${key.sql})`) },
        { sql: '', type: 'bigint' },
      ),
    () =>
      made(
        { items: items(`(select count(*) from ${two.sql} as b where ${pair[0].sql} = ${pair[1].sql})`) },
        { sql: '', type: 'bigint' },
      ),
    () => ({
      ...made({}, null),
      query: {
        kind: 'set' as const,
        operator: random.pick(['except', 'intersect'] as const),
        left: { ...base },
        right: { ...base, where: [predicate(random, left, 1)] },
      },
    }),
  ])()
}
