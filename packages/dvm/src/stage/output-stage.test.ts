import { describe, expect, test } from 'vitest'
import { compile, sqlOf } from '../facts.fixture.ts'

describe('keyed: a key follows from the query', () => {
  const compiled = compile('SELECT orders.id, orders.price FROM shop.orders', { id: 'bigint', price: 'numeric(12,2)' })

  test('the table and its fill', () => {
    expect(compiled).toMatchObject({ storage: 'keyed', keyColumns: ['id'] })
    expect(`${compiled.tables[0]?.create}\n\n${compiled.tables[0]?.fill}`).toMatchInlineSnapshot(`
      "create table shop.answer (
        id bigint not null,
        price numeric(12,2),
        primary key (id)
      ) with (fillfactor = 75)

      insert into shop.answer (id, price)
      select id, price
      from (
        select (id)::bigint as id, (price)::numeric(12,2) as price
        from (
          select id, price
          from shop.orders
        ) i
      ) v"
    `)
  })

  test('the delta: by key, at most one that left and one that arrived', () => {
    expect(sqlOf(compiled, 'Δ net', 'Δ keyed', 'changes')).toMatchInlineSnapshot(`
      "-- Δ net
      select id, (array_agg(price))[1] as price, sum(__w) as __w
      from "Δ output"
      group by id, record_send(row(price))
      having sum(__w) <> 0

      -- Δ keyed
      select *, id as __key_1
      from "Δ net"

      -- changes
      select coalesce(a.__key_1, l.__key_1) as __key_1, l.__w is not null as __existed, a.__w is not null as __alive, l.id as __old_1, l.price as __old_2, a.id as __new_1, a.price as __new_2
      from (
        select *
        from "Δ keyed"
        where __w > 0
      ) a
      full join (
        select *
        from "Δ keyed"
        where __w < 0
      ) l on a.__key_1 = l.__key_1"
    `)
  })
})

describe('a bag: no key', () => {
  const compiled = compile('SELECT visits.page, visits.weight FROM shop.visits', { page: 'text', weight: 'numeric' })

  test('the table and its fill: a hash of the content, and an ordinal', () => {
    expect(compiled).toMatchObject({ storage: 'bag', keyColumns: [] })
    expect(`${compiled.tables[0]?.create}\n\n${compiled.tables[0]?.fill}`).toMatchInlineSnapshot(`
      "create table shop.answer (
        page text,
        weight numeric,
        __row bytea not null,
        __ord bigint not null,
        primary key (__row, __ord)
      ) with (fillfactor = 75)

      insert into shop.answer (page, weight, __row, __ord)
      select page, weight, __row, row_number() over (partition by __row) as __ord
      from (
        select *, substr(sha256(record_send(row(page::text, weight::numeric))), 1, 16) as __row
        from (
          select (page)::text as page, (weight)::numeric as weight
          from (
            select page, weight
            from shop.visits
          ) i
        ) v
      ) h"
    `)
  })

  test('the delta: copies are numbered on, or cut off at the end', () => {
    expect(sqlOf(compiled, 'Δ net', 'copies', 'changes')).toMatchInlineSnapshot(`
      "-- Δ net
      select (array_agg(page))[1] as page, (array_agg(weight))[1] as weight, __row, sum(__w) as __w
      from (
        select page, weight, substr(sha256(record_send(row(page::text, weight::numeric))), 1, 16) as __row, __w
        from "Δ output"
      ) h
      group by __row
      having sum(__w) <> 0

      -- copies
      select n.*, (select coalesce(max(t.__ord), 0) from shop.answer t where t.__row = n.__row) as __have
      from "Δ net" n

      -- changes
      select __row as __key_1, copy.__n as __key_2, __w < 0 as __existed, __w > 0 as __alive, page as __value_1, weight as __value_2
      from copies c
      cross join lateral generate_series(
        (__have + least(__w, 0) + 1)::bigint,
        (__have + greatest(__w, 0))::bigint
      ) copy(__n)
      where copy.__n between (select 1) and (select 9223372036854775807)"
    `)
  })
})

test('a key of a join is the keys of both; when it is not shown, the table is a bag', () => {
  const from = 'FROM (shop.orders o JOIN shop.customers c ON ((c.score = o.qty)))'
  expect(compile(`SELECT o.id, c.id AS customer ${from}`, { id: 'bigint', customer: 'integer' })).toMatchObject({
    keyColumns: ['id', 'customer'],
  })
  expect(compile(`SELECT o.id, c.region ${from}`, { id: 'bigint', region: 'text' })).toMatchObject({ storage: 'bag' })
})
