import { expect, test } from 'vitest'
import { explainDot, explainPlan, explainText } from './explain.ts'
import { plan } from './facts.fixture.ts'

const QUERY = `SELECT c.region, (sum(o.qty))::integer AS total FROM (shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id))) WHERE (o.note = 'it''s "x"'::text) GROUP BY c.region`

test('one operator a line, with its law', () => {
  expect(explainText(explainPlan(plan(QUERY, { region: 'text', total: 'integer' })))).toMatchInlineSnapshot(`
    "aggregate  by region: sum(qty) → region, sum::int as total  [γ(state ⊎ ΔR) − γ(state)]
      └ project  region, qty  [Δ(πR) = πΔR]
        └ inner join  (id_2 = customer_id)  [Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS]
          └ filter  (note = 'it''s "x"'::text)  [Δ(σR) = σΔR]
            └ scan  shop.orders as o (customer_id, qty, note)  [Δ(R) = ΔR]
          └ scan  shop.customers as c (id, region)  [Δ(R) = ΔR]"
  `)
})

test('a query that ends in a stateless operator', () => {
  expect(
    explainText(
      explainPlan(plan('SELECT o.id, (o.qty * 2) AS twice FROM shop.orders o', { id: 'bigint', twice: 'integer' })),
    ),
  ).toMatchInlineSnapshot(`
    "output  id, (qty * 2) as twice  [the net change by key, or by row]
      └ scan  shop.orders as o (id, qty)  [Δ(R) = ΔR]"
  `)
})

test('a query that is computed as a whole, with the reason', () => {
  expect(
    explainText(explainPlan(plan('SELECT orders.id FROM ONLY shop.orders', { id: 'bigint' }))),
  ).toMatchInlineSnapshot(`"query  FROM ONLY orders  [recomputed as a whole, the difference applied]"`)
})

test('for Graphviz, its quotes escaped', () => {
  const dot = explainDot(explainPlan(plan(QUERY, { region: 'text', total: 'integer' })), 'shop."the answer"')
  expect(dot.split('\n').slice(0, 5)).toMatchInlineSnapshot(`
    [
      "digraph "shop.\\"the answer\\"" {",
      "  rankdir=BT;",
      "  node [shape=box, fontname="Helvetica"];",
      "  n0 [label="aggregate\\nby region: sum(qty) → region, sum::int as total\\nγ(state ⊎ ΔR) − γ(state)"];",
      "  n1 [label="project\\nregion, qty\\nΔ(πR) = πΔR"];",
    ]
  `)
  expect(dot.match(/->/g)).toHaveLength(5)
})
