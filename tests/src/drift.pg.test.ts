import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/**
 * L7: whatever happens to a source or its capture behind Freshet's back is noticed, and never shows as an answer that
 * looks right. Each test uses a second process (a second `connect`) where the first one remembers too much.
 */
const QUERY = 'select region, count(*) as n, sum(amount) as total from sales group by region'

let own: TestDatabase
let freshet: Freshet

beforeEach(async () => {
  own = await createTestDatabase()
  freshet = await connect(own.url)
  await run(`
    create table sales (id int primary key, region varchar(10) not null, amount int not null, note text);
    insert into sales select i, 'r' || i % 3, i, 'n' from generate_series(1, 30) i`)
  await freshet.create({ name: 'totals', query: QUERY })
})

afterEach(async () => {
  await freshet.close()
  await own.drop()
})

const run = async (script: string) => void (await own.database.query(raw(script)))
const equal = () => assertEqualToQuery(own.database, 'totals', QUERY)

describe('capture that lost something', () => {
  test('a dropped trigger is put back, and the table recomputed', async () => {
    const [trigger] = await own.database.query<{ name: string }>(
      raw(`select tgname as name from pg_trigger where tgrelid = 'sales'::regclass and tgtype & 4 <> 0 limit 1`),
    )
    await run(`drop trigger "${trigger?.name ?? ''}" on sales; insert into sales values (100, 'r0', 1000, '')`)
    await using other = await second()
    expect(await other.freshet.refresh('totals')).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
    await equal()
    await run(`insert into sales values (101, 'r1', 5, '')`)
    expect(await other.freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await equal()
  })

  test('resuming looks after the capture too', async () => {
    await freshet.pause('totals')
    await run(`alter table sales disable trigger user; update sales set amount = amount + 1; `)
    await freshet.resume('totals')
    await freshet.refresh('totals')
    await equal()
  })
})

describe('a source that changed its shape', () => {
  test('a dropped column is an error at the next refresh, not an answer', async () => {
    await freshet.refresh('totals')
    await run(`alter table sales drop column amount; insert into sales values (100, 'r0', '')`)
    const before = await own.database.query(raw('select region, n, total from totals order by 1'))
    await expect(freshet.refresh('totals')).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      message: 'public.totals can not go on: the column amount of public.sales was dropped',
      hint: expect.stringMatching(/freshet resume public\.totals\..*freshet alter public\.totals --query/) as string,
    })
    expect(await own.database.query(raw('select region, n, total from totals order by 1'))).toEqual(before)
    await run(`alter table sales add column amount int not null default 5`)
    await freshet.refresh('totals')
    await equal()
  })

  test('a column that is renamed and renamed back between two looks', async () => {
    await run(`alter table sales rename column amount to cents; insert into sales values (100, 'r0', 1000, '');
      alter table sales rename column cents to amount`)
    await freshet.refresh('totals')
    await equal()
  })

  test('a column of another type is an error with a hint when the table would look different', async () => {
    await run(`alter table sales alter column amount type numeric(12,2); insert into sales values (100, 'r0', 0.5, '')`)
    await expect(freshet.refresh('totals')).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
      hint: expect.stringContaining('lter') as string,
    })
    await freshet.alter('totals', { query: QUERY })
    await equal()
    await run(`insert into sales values (101, 'r1', 0.25, '')`)
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await equal()
  })

  test('where the table would look the same, it is compiled again and goes on', async () => {
    await run(`alter table sales alter column amount type smallint; insert into sales values (100, 'r0', 7, '')`)
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'full' })
    await equal()
    await run(`update sales set amount = 8 where id = 100`)
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await equal()
  })

  test('columns that nobody reads come and go', async () => {
    await run(
      `alter table sales drop column note; alter table sales add column other jsonb; insert into sales values (100, 'r0', 1, '{}')`,
    )
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await equal()
  })
})

describe('other things behind our back', () => {
  test('in another cluster everything is filled anew, and old change rows are gone', async () => {
    await run(
      `insert into sales values (100, 'r0', 1, ''); insert into sales select i, 'r1', 1, '' from generate_series(200, 220) i`,
    )
    await run(`update freshet.installation set system_identifier = 'system:another'`)
    await using other = await second()
    expect(await other.freshet.refresh('totals')).toMatchObject({ action: 'full' })
    await equal()
    const stored = await own.database.query<{ name: string }>(
      raw(
        `select relname as name from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind = 'r' and relname ~ '^(log|pack)_'`,
      ),
    )
    expect(stored).not.toEqual([])
    for (const { name } of stored)
      expect(await own.database.query(raw(`select from freshet_changes.${name}`))).toEqual([])
  })

  test('a plan that another version of the compiler made is compiled again', async () => {
    await run(
      `update freshet.stream_table set plan = jsonb_set(plan, '{compiler}', '0'); insert into sales values (100, 'r0', 1, '')`,
    )
    await using other = await second()
    expect(await other.freshet.refresh('totals')).toMatchObject({ action: 'full', reason: 'NEW_COMPILER' })
    await equal()
    await run(`insert into sales values (101, 'r0', 1, '')`)
    expect(await other.freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await equal()
  })

  test('force_full_refresh overrides the mode while it is set', async () => {
    await run(
      `insert into freshet.setting values ('force_full_refresh', 'true'); insert into sales values (100, 'r0', 1, '')`,
    )
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'full', reason: 'FORCED' })
    await equal()
    await run(`delete from freshet.setting; insert into sales values (101, 'r0', 1, '')`)
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await equal()
  })

  test('a stream table that somebody dropped is found by doctor and cleared away by drop', async () => {
    await run('drop table totals')
    const findings = await freshet.doctor()
    expect(findings).toContainEqual(expect.objectContaining({ level: 'error', subject: 'public.totals' }))
    await freshet.drop('totals')
    expect(await freshet.list()).toEqual([])
    const triggers = await own.database.query(raw(`select from pg_trigger where tgrelid = 'sales'::regclass`))
    expect(triggers).toEqual([])
  })

  test('a refresh by hand removes what every reader has read', async () => {
    await run(`insert into sales select i, 'r1', 1, '' from generate_series(200, 260) i`)
    await freshet.refresh('totals')
    const [source] = await own.database.query<{ name: string }>(raw('select stable_name as name from freshet.source'))
    const rows = await own.database.query(raw(`select from freshet_changes.changes_${source?.name ?? ''}`))
    expect(rows).toEqual([])
  })
})

async function second(): Promise<{ readonly freshet: Freshet } & AsyncDisposable> {
  const other = await connect(own.url)
  return { freshet: other, [Symbol.asyncDispose]: () => other.close() }
}
