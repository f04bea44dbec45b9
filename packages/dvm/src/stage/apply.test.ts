import { expect, test } from 'vitest'
import { compile, sqlOf } from '../facts.fixture.ts'

test('keys that are gone are deleted, those that are there written; never both', () => {
  const compiled = compile('SELECT orders.id, orders.note FROM shop.orders', { id: 'bigint', note: 'text' })
  expect(sqlOf(compiled, 'deleted from answer', 'written to answer')).toMatchInlineSnapshot(`
    "-- deleted from answer
    delete from shop.answer t
    using changes c
    where t.id = c.__key_1 and c.__existed and not (__alive)
    returning 1

    -- written to answer
    insert into shop.answer as t (id, note)
    select __new_1, __new_2
    from changes
    where __alive
    on conflict (id) do update set note = excluded.note
    returning 1"
  `)
})

test('a table of keys alone has nothing to update', () => {
  const compiled = compile('SELECT orders.id FROM shop.orders', { id: 'bigint' })
  expect(sqlOf(compiled, 'written to answer')).toContain('on conflict (id) do nothing')
})

test('an inner stage is applied in the same statement', () => {
  const inner = '(SELECT orders.note, count(*) AS n FROM shop.orders GROUP BY orders.note)'
  const compiled = compile(
    `SELECT x.n, count(*) AS many FROM ${inner} x GROUP BY x.n`,
    { n: 'bigint', many: 'bigint' },
    { count: 'bigint', n: 'bigint' },
  )
  expect(sqlOf(compiled, 'deleted from stage_00000000000000aa_1', 'deleted from answer')).toMatchInlineSnapshot(`
    "-- deleted from stage_00000000000000aa_1
    delete from freshet_changes.stage_00000000000000aa_1 t
    using "groups after" c
    where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
    returning 1

    -- deleted from answer
    delete from shop.answer t
    using "groups after 2" c
    where t.ctid = c.__at and c.__existed and not (__slot_1 > 0)
    returning 1"
  `)
})
