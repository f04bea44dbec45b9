import { describe, expect, test } from 'vitest'
import { explainPlan, explainText } from '../explain.ts'
import type { RelationFacts } from '../facts.ts'
import { factsOf, plan, table } from '../facts.fixture.ts'
import { planQuery } from '../plan-query.ts'

const shown = (definition: string, columns: readonly string[], others: readonly RelationFacts[] = []) =>
  explainText(explainPlan(plan(definition, Object.fromEntries(columns.map((column) => [column, 'integer'])), others)))

/** A table of which the types are known by their oid: 23 is integer, 1700 numeric. */
function typed(name: string, columns: Readonly<Record<string, number>>): RelationFacts {
  const facts = table(name, Object.fromEntries(Object.keys(columns).map((column) => [column, 'integer'])))
  return {
    ...facts,
    columns: facts.columns.map((column) => ({ ...column, type: { oid: columns[column.name] ?? 0, modifier: -1 } })),
  }
}

describe('from clauses to operators', () => {
  test('WHERE, expressions and names', () => {
    expect(
      shown('SELECT o.id, (o.qty + 1) AS more FROM shop.orders o WHERE ((o.qty > 2) AND (o.note IS NULL))', [
        'id',
        'more',
      ]),
    ).toMatchInlineSnapshot(`
      "output  id, (qty + 1) as more  [the net change by key, or by row]
        └ filter  (qty > 2) and (note IS NULL)  [Δ(σR) = σΔR]
          └ scan  shop.orders as o (id, qty, note)  [Δ(R) = ΔR]"
    `)
  })

  test('USING merges a column; ON is split at its ANDs', () => {
    expect(
      shown(
        'SELECT a, y.w FROM (shop.x JOIN shop.y USING (a)) WHERE (x.v > 1)',
        ['a', 'w'],
        [typed('x', { a: 23, v: 23 }), typed('y', { a: 23, w: 23 })],
      ),
    ).toMatchInlineSnapshot(`
      "output  a, w  [the net change by key, or by row]
        └ inner join  (a = a_2)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
          └ filter  (v > 1)  [Δ(σR) = σΔR]
            └ scan  shop.x (a, v)  [Δ(R) = ΔR]
          └ scan  shop.y (a, w)  [Δ(R) = ΔR]"
    `)
  })

  test('USING of two types takes what PostgreSQL takes', () => {
    const relations = [typed('x', { a: 23, v: 23 }), typed('y', { a: 1700, w: 23 })]
    const merged = (join: string) =>
      shown(`SELECT a FROM (shop.x ${join} shop.y USING (a))`, ['a'], relations).split('\n')[0]
    expect(merged('LEFT JOIN')).toMatchInlineSnapshot(
      `"output  (CASE WHEN false THEN a_2 ELSE a END) as a  [the net change by key, or by row]"`,
    )
    expect(merged('RIGHT JOIN')).toMatchInlineSnapshot(
      `"output  (CASE WHEN true THEN a_2 ELSE a END) as a  [the net change by key, or by row]"`,
    )
    expect(merged('JOIN')).toMatchInlineSnapshot(
      `"output  (CASE WHEN (pg_typeof(a) <> pg_typeof((COALESCE(a, a_2)))) THEN a_2 ELSE a END) as a  [the net change by key, or by row]"`,
    )
    expect(merged('FULL JOIN')).toMatchInlineSnapshot(
      `"output  (COALESCE(a, a_2)) as a  [the net change by key, or by row]"`,
    )
  })

  test('column aliases of a range, and of a subquery', () => {
    expect(shown('SELECT a.x, b.y FROM shop.customers a(x), (SELECT o.qty FROM shop.orders o) b(y)', ['x', 'y']))
      .toMatchInlineSnapshot(`
      "output  id as x, qty_2 as y  [the net change by key, or by row]
        └ inner join  cross  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
          └ scan  shop.customers as a (id)  [Δ(R) = ΔR]
          └ project  qty as qty_2  [Δ(πR) = πΔR]
            └ scan  shop.orders as o (qty)  [Δ(R) = ΔR]"
    `)
  })

  test('GROUP BY a position, HAVING, an expression over aggregates', () => {
    expect(
      shown(
        'SELECT upper(o.note) AS u, (sum(o.qty) + count(*)) AS x FROM shop.orders o GROUP BY 1 HAVING (count(*) > 2)',
        ['u', 'x'],
      ),
    ).toMatchInlineSnapshot(`
      "output  key as u, (sum + count) as x  [the net change by key, or by row]
        └ filter  (count > 2)  [Δ(σR) = σΔR]
          └ aggregate  by key: sum(qty), count(*)  [γ(state ⊎ ΔR) − γ(state)]
            └ project  upper(note) as key, qty  [Δ(πR) = πΔR]
              └ scan  shop.orders as o (qty, note)  [Δ(R) = ΔR]"
    `)
  })

  test('DISTINCT, UNION', () => {
    expect(shown('SELECT DISTINCT o.note FROM shop.orders o', ['note'])).toMatchInlineSnapshot(`
      "distinct  by note_2 → note_2 as note  [γ(state ⊎ ΔR) − γ(state)]
        └ project  note as note_2  [Δ(πR) = πΔR]
          └ scan  shop.orders as o (note)  [Δ(R) = ΔR]"
    `)
    expect(shown('SELECT o.note AS t FROM shop.orders o UNION SELECT c.region FROM shop.customers c', ['t']))
      .toMatchInlineSnapshot(`
      "distinct  by t → t  [γ(state ⊎ ΔR) − γ(state)]
        └ union all  t  [Δ(R⊎S) = ΔR ⊎ ΔS]
          └ project  note as t  [Δ(πR) = πΔR]
            └ scan  shop.orders as o (note)  [Δ(R) = ΔR]
          └ project  region as t  [Δ(πR) = πΔR]
            └ scan  shop.customers as c (region)  [Δ(R) = ΔR]"
    `)
  })

  test('common table expressions: nested, and a name that hides a table', () => {
    expect(
      shown(
        'WITH orders AS (SELECT o.id FROM shop.orders o), twice AS (SELECT orders.id FROM orders) SELECT a.id, b.id AS other FROM twice a, orders b',
        ['id', 'other'],
      ),
    ).toMatchInlineSnapshot(`
      "output  id_3 as id, id_4 as other  [the net change by key, or by row]
        └ inner join  cross  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
          └ project  id_2 as id_3  [Δ(πR) = πΔR]
            └ project  id as id_2  [Δ(πR) = πΔR]
              └ scan  shop.orders as o (id)  [Δ(R) = ΔR]
          └ project  id as id_4  [Δ(πR) = πΔR]
            └ scan  shop.orders as o (id)  [Δ(R) = ΔR]"
    `)
  })

  test('VALUES, and no FROM at all', () => {
    expect(shown(`VALUES (1, 'a'::text)`, ['a', 'b'])).toMatchInlineSnapshot(`
      "output  column1 as a, column2 as b  [the net change by key, or by row]
        └ constant  column1, column2  [Δ = ∅]"
    `)
    expect(shown('SELECT 1 AS one', ['one'])).toMatchInlineSnapshot(`
      "output  1 as one  [the net change by key, or by row]
        └ constant    [Δ = ∅]"
    `)
  })

  test('a view, by its definition', () => {
    const view = {
      ...table('big', { id: 'bigint', n: 'integer' }),
      kind: 'view' as const,
      definition: 'SELECT orders.id, orders.qty AS n FROM shop.orders WHERE (orders.qty > 5);',
    }
    const planned = plan('SELECT big.n FROM shop.big', { n: 'integer' }, [view])
    expect(explainText(explainPlan(planned))).toMatchInlineSnapshot(`
      "output  n  [the net change by key, or by row]
        └ project  qty as n  [Δ(πR) = πΔR]
          └ filter  (qty > 5)  [Δ(σR) = σΔR]
            └ scan  shop.orders (qty)  [Δ(R) = ΔR]"
    `)
  })
})

describe('refused, by reason', () => {
  const view = { ...table('seen', { id: 'integer' }), kind: 'materialized_view' as const }
  test.each([
    [
      'RECURSIVE',
      'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT (r.n + 1) FROM r) CYCLE n SET looped USING path SELECT r.n FROM r',
    ],
    [
      'RECURSIVE',
      'SELECT c.id FROM shop.customers c WHERE (c.score > (WITH RECURSIVE r(n) AS (SELECT c.id UNION ALL SELECT (r.n + 1) FROM r) SELECT count(*) AS count FROM r))',
    ],
    ['SUBQUERY_EXPRESSION', 'SELECT orders.id FROM shop.orders LIMIT (SELECT 2)'],
    [
      'SUBQUERY_EXPRESSION',
      'SELECT c.id FROM (shop.customers c FULL JOIN shop.orders o ON ((EXISTS (SELECT FROM shop.visits v WHERE ((v.customer_id = c.id) AND (v.page = o.note))))))',
    ],
    [
      'CORRELATED',
      'SELECT c.id FROM shop.customers c WHERE (c.score > (SELECT own.median(o.qty) AS median FROM shop.orders o WHERE (o.customer_id = c.id)))',
    ],
    [
      'CORRELATED',
      'SELECT c.region FROM shop.customers c GROUP BY c.region HAVING (EXISTS (SELECT sum(c.score) AS sum FROM shop.orders o))',
    ],
    [
      'WINDOW_FUNCTION',
      'SELECT (rank() OVER (ORDER BY o.qty) IN (SELECT c.score FROM shop.customers c)) AS ranked FROM shop.orders o',
    ],
    [
      'WINDOW_FUNCTION',
      'SELECT (sum(count(*)) OVER () = ANY (SELECT c.score FROM shop.customers c)) AS x FROM shop.orders o GROUP BY o.qty',
    ],
    [
      'CORRELATED',
      'SELECT (EXISTS (SELECT FROM shop.customers c WHERE (c.score = max(o.qty)))) AS x FROM shop.orders o',
    ],
    [
      'CORRELATED',
      'SELECT o.qty, (SELECT GROUPING(o.qty) AS g FROM shop.customers c LIMIT 1) AS x FROM shop.orders o GROUP BY ROLLUP(o.qty)',
    ],
    ['TABLE_SAMPLE', 'SELECT orders.id FROM shop.orders TABLESAMPLE bernoulli (10)'],
    ['ONLY', 'SELECT orders.id FROM ONLY shop.orders'],
    ['WHOLE_ROW', 'SELECT (s.*)::text AS t FROM ( SELECT orders.id FROM shop.orders) s'],
    ['UNCAPTURED_SOURCE', 'SELECT seen.id FROM shop.seen'],
    ['UNCAPTURED_SOURCE', 'SELECT pg_class.relname FROM pg_class'],
  ])('%s: %s', (code, definition) => {
    expect(plan(definition, { x: 'integer' }, [view]).unsupported?.code).toBe(code)
  })

  test('TIME_DEPENDENT: what reads the clock or the session', () => {
    const facts = factsOf('SELECT orders.id FROM shop.orders', { id: 'bigint' })
    expect(planQuery(facts).unsupported).toBe(null)
    expect(planQuery({ ...facts, timeDependent: 'now()' }).unsupported).toMatchObject({
      code: 'TIME_DEPENDENT',
      detail: 'the query calls now()',
    })
  })
})
