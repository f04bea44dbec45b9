import { describe, expect, test } from 'vitest'
import { compile, partsOf, sqlOf } from '../facts.fixture.ts'

const BY_CUSTOMER =
  'SELECT orders.customer_id, count(*) AS n, sum(orders.qty) AS total FROM shop.orders GROUP BY orders.customer_id'
const COUNTS = { count: 'bigint', sum: 'bigint' }

describe('one table', () => {
  const compiled = compile(BY_CUSTOMER, { customer_id: 'integer', n: 'bigint', total: 'bigint' }, COUNTS)

  test('visible columns first; a visible column serves as the state of its aggregate', () => {
    expect(compiled.tables.map(({ create }) => create).join('\n')).toMatchInlineSnapshot(`
      "create table shop.answer (
        customer_id integer,
        n bigint,
        total bigint,
        __key bytea not null,
        __s2 bigint not null,
        primary key (__key)
      ) with (fillfactor = 75)"
    `)
    expect(compiled).toMatchObject({ storage: 'keyed', keyColumns: [] })
  })

  test('the fill', () => {
    expect(compiled.tables[0]?.fill).toMatchInlineSnapshot(`
      "insert into shop.answer (customer_id, n, total, __key, __s2)
      select customer_id, count, sum, substr(sha256(record_send(row(customer_id::integer))), 1, 16), __slot_3
      from (
        select *, __slot_1 as count, __slot_2 as sum
        from (
          select customer_id, count(*) as __slot_1, (sum(qty))::bigint as __slot_2, count(*) filter (where qty is not null) as __slot_3
          from (
            select customer_id as customer_id, qty as qty
            from (
              select customer_id, qty
              from shop.orders
            ) p
          ) g
          group by customer_id
        ) s
      ) v"
    `)
  })

  test('the delta: groups that occur in Δ, beside their state', () => {
    expect(sqlOf(compiled, 'Δ groups', 'groups', 'groups after')).toMatchInlineSnapshot(`
      "-- Δ groups
      select customer_id, sum(__w) as "__count(*)", sum(qty::bigint * __w) as "__sum qty", sum(__w) filter (where qty is not null) as "__count filter (where qty is not null)"
      from "Δ project"
      group by customer_id

      -- groups
      select d.customer_id, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1, case when coalesce(t.__s2, 0) + coalesce(d."__count filter (where qty is not null)", 0)::bigint = 0 then null else (coalesce(t.total, 0) + coalesce(d."__sum qty", 0))::bigint end as __slot_2, coalesce(t.__s2, 0) + coalesce(d."__count filter (where qty is not null)", 0)::bigint as __slot_3
      from (
        select *, substr(sha256(record_send(row(customer_id::integer))), 1, 16) as __key_1
        from "Δ groups"
      ) d
      left join shop.answer t on t.__key = d.__key_1

      -- groups after
      select __key_1, __existed, __at, __slot_1, __slot_2, __slot_3, (customer_id)::integer as __new_1, (count)::bigint as __new_2, (sum)::bigint as __new_3
      from (
        select *, __slot_1 as count, __slot_2 as sum
        from (
          select * from groups
        ) s
      ) v"
    `)
  })
})

test('no group: one row, that stays', () => {
  const compiled = compile(
    'SELECT count(*) AS n, max(orders.qty) AS most FROM shop.orders',
    { n: 'bigint', most: 'integer' },
    { count: 'bigint', max: 'integer' },
  )
  expect(compiled.storage).toBe('single')
  expect(sqlOf(compiled, 'Δ net', 'Δ groups', 'deleted from answer')).toMatchInlineSnapshot(`
    "-- Δ net
    select qty, sum(__w) as __w
    from "Δ project"
    group by qty
    having sum(__w) <> 0

    -- Δ groups
    select sum(__w) as "__count(*)", max(qty) filter (where __w > 0) as "__arrived max(qty)", max(qty) filter (where __w < 0) as "__left max(qty)"
    from "Δ net"
    having count(*) > 0

    -- deleted from answer
    delete from shop.answer t
    using "groups after" c
    where t.ctid = c.__at and c.__existed and not (true)
    returning 1"
  `)
})

test('keys that are not null and short are the primary key', () => {
  const compiled = compile(
    'SELECT customers.score, count(*) AS n FROM shop.customers GROUP BY customers.score',
    { score: 'integer', n: 'bigint' },
    COUNTS,
  )
  expect(compiled).toMatchObject({ storage: 'keyed', keyColumns: ['score'] })
  expect(compiled.tables[0]?.create).toContain('primary key (score)')
})

test('DISTINCT is an aggregate without calls', () => {
  const compiled = compile('SELECT DISTINCT orders.note FROM shop.orders', { note: 'text' })
  expect(sqlOf(compiled, 'Δ groups', 'groups')).toMatchInlineSnapshot(`
    "-- Δ groups
    select note_2, sum(__w) as "__count(*)"
    from "Δ project"
    group by note_2

    -- groups
    select d.note_2, d.__key_1, t.__key is not null as __existed, t.ctid as __at, coalesce(t.__n, 0) + coalesce(d."__count(*)", 0)::bigint as __slot_1
    from (
      select *, substr(sha256(record_send(row(note_2::text))), 1, 16) as __key_1
      from "Δ groups"
    ) d
    left join shop.answer t on t.__key = d.__key_1"
  `)
})

test('HAVING makes it an inner stage, with a table of its own and a delta for those above', () => {
  const compiled = compile(
    `${BY_CUSTOMER} HAVING (count(*) > 3)`,
    { customer_id: 'integer', n: 'bigint', total: 'bigint' },
    COUNTS,
  )
  expect(compiled.tables.map(({ schema, table }) => `${schema}.${table}`)).toEqual([
    'freshet_changes.stage_00000000000000aa_1',
    'shop.answer',
  ])
  expect(sqlOf(compiled, 'Δ stage', 'Δ filter')).toMatchInlineSnapshot(`
    "-- Δ stage
    select __old_1 as customer_id, __old_2 as count, __old_3 as sum, -1 as __w
    from "groups after"
    where __existed
      and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)
    union all
    select __new_1 as customer_id, __new_2 as count, __new_3 as sum, 1 as __w
    from "groups after"
    where __slot_1 > 0
      and (not __existed or not (__slot_1 > 0) or row(__new_1, __new_2, __new_3)::record *<> row(__old_1, __old_2, __old_3)::record)

    -- Δ filter
    select customer_id, count, sum, __w
    from "Δ stage"
    where (count > 3)"
  `)
})

const COUNTED = 'SELECT orders.customer_id, count(*) AS count FROM shop.orders GROUP BY orders.customer_id'

test('below a join with a base table, the state is read after the change: what was not touched, and what was', () => {
  const compiled = compile(
    `SELECT c.region, n.count FROM ((shop.customers c JOIN (${COUNTED}) n ON ((n.customer_id = c.id))) JOIN shop.visits v ON ((v.customer_id = c.id)))`,
    { region: 'text', count: 'bigint' },
    { count: 'bigint', id: 'integer' },
  )
  for (const extent of ['few', 'many'] as const) {
    const join = partsOf(compiled, undefined, extent).get('Δ join 2') ?? ''
    expect([...join.matchAll(/select customer_id as customer_id_2[\s\S]*?\) r/g)].map(([text]) => text))
      .toMatchInlineSnapshot(`
      [
        "select customer_id as customer_id_2, count as count_2
          from (
            select t.customer_id, t.count
            from freshet_changes.stage_00000000000000aa_1 t
            where (t.__key) not in (select c.__key_1 from "groups after" c)
          ) p
        ) r",
        "select customer_id as customer_id_2, count as count_2
          from (
            select __new_1 as customer_id, __new_2 as count
            from "groups after"
            where __slot_1 > 0
          ) p
        ) r",
      ]
    `)
  }
})

test('on the inner side of a left join it is read as one: by index for few, as a whole for many', () => {
  const compiled = compile(
    `SELECT c.region, n.count FROM ((shop.customers c LEFT JOIN (${COUNTED}) n ON ((n.customer_id = c.id))) JOIN shop.visits v ON ((v.customer_id = c.id)))`,
    { region: 'text', count: 'bigint' },
    { count: 'bigint', id: 'integer' },
  )
  const reading = (extent: 'few' | 'many') =>
    /select customer_id as customer_id_2[\s\S]*?\) r/.exec(
      partsOf(compiled, undefined, extent).get('Δ join 2') ?? '',
    )?.[0]
  expect(reading('few')).toMatchInlineSnapshot(`
    "select customer_id as customer_id_2, count as count_2
        from (
          select customer_id, count
          from (
            select t.customer_id, t.count, t.__key as __stored_1, true as __stored
            from freshet_changes.stage_00000000000000aa_1 t
            union all
            select __new_1 as customer_id, __new_2 as count, __key_1, false
            from "groups after"
            where __slot_1 > 0
          ) s
          where not (__stored and (__stored_1) in (select c.__key_1 from "groups after" c))
        ) p
      ) r"
  `)
  expect(reading('many')).toMatchInlineSnapshot(`
    "select customer_id as customer_id_2, count as count_2
        from (
          select t.customer_id, t.count
          from freshet_changes.stage_00000000000000aa_1 t
          where (t.__key) not in (select c.__key_1 from "groups after" c)
          union all
          select __new_1 as customer_id, __new_2 as count
          from "groups after"
          where __slot_1 > 0
        ) p
      ) r"
  `)
})

test('an expression over aggregates is computed from the state, which is hidden', () => {
  const compiled = compile(
    'SELECT orders.note, (sum(orders.qty) + count(*)) AS x FROM shop.orders GROUP BY orders.note',
    { note: 'text', x: 'bigint' },
    COUNTS,
  )
  expect(compiled.tables[0]?.visibleColumns).toEqual(['note', 'x'])
  expect(compiled.tables[0]?.create).toMatchInlineSnapshot(`
    "create table shop.answer (
      note text,
      x bigint,
      __key bytea not null,
      __n bigint not null,
      __s1 bigint,
      __s2 bigint not null,
      primary key (__key)
    ) with (fillfactor = 75)"
  `)
})

test('a group key that is not shown is in the hash alone', () => {
  const compiled = compile('SELECT count(*) AS n FROM shop.orders GROUP BY orders.customer_id', { n: 'bigint' }, COUNTS)
  expect(compiled.tables[0]?.create).toMatchInlineSnapshot(`
    "create table shop.answer (
      n bigint,
      __key bytea not null,
      primary key (__key)
    ) with (fillfactor = 75)"
  `)
})

test('a key without canonical form: the query is computed as a whole, and says why', () => {
  const compiled = compile(
    `SELECT (visits.page)::jsonb AS j, count(*) AS n FROM shop.visits GROUP BY ((visits.page)::jsonb)`,
    { j: 'jsonb', n: 'bigint' },
    { key: 'jsonb', count: 'bigint' },
  )
  expect(compiled).toMatchObject({ effectiveMode: 'full', refusal: { code: 'KEY_TYPE' }, refresh: null })
})
