import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

/** Whatever is taken away, and whatever is written meanwhile: `repair` says what was missing, and all is right again. */
const STREAMS: Readonly<Record<string, string>> = {
  sums: 'select s % 7 as s, count(*) as kinds from (select kind, sum(n) as s from items group by kind) as q group by s % 7',
  named: 'select i.id, k.name from items i join kinds k on k.kind = i.kind',
  above: 'select max(s) as m from sums',
}
const IMMEDIATE = { at_once: 'select kind, count(*) as c from items group by kind' }
const ALL = { ...STREAMS, ...IMMEDIATE }

let own: TestDatabase
let freshet: Freshet

beforeEach(async () => {
  own = await createTestDatabase()
  onTestFinished(() => own.drop())
  await run(`create table kinds (kind text primary key, name text);
    create table items (id int, kind text, n int) partition by range (id);
    create table items_a partition of items for values from (0) to (100);
    create table items_b partition of items for values from (100) to (1000);
    insert into kinds select 'k' || i, 'kind ' || i % 2 from generate_series(0, 3) i;
    insert into items select i, 'k' || i % 4, i from generate_series(1, 200) i`)
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, query] of Object.entries(STREAMS))
    await freshet.create({ name, query, mode: 'differential', schedule: 'manual' })
  for (const [name, query] of Object.entries(IMMEDIATE)) await freshet.create({ name, query, mode: 'immediate' })
})

const run = async (script: string) => void (await own.database.query(raw(script)))

async function follow(streams: Readonly<Record<string, string>> = ALL): Promise<Record<string, string>> {
  const how: Record<string, string> = {}
  for (const [name, query] of Object.entries(streams)) {
    const { action } = await freshet.refresh(name)
    how[name] = action
    await assertEqualToQuery(own.database, name, query)
  }
  return how
}

/** Objects by pattern, for what has generated names. */
async function drop(kind: 'table' | 'view' | 'function', like: string): Promise<void> {
  const found = await own.database.query<{ name: string }>(
    raw(
      kind === 'function'
        ? `select oid::regprocedure::text as name from pg_proc where pronamespace = 'freshet_changes'::regnamespace and proname like '${like}' order by oid limit 1`
        : `select oid::regclass::text as name from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind = '${kind === 'view' ? 'v' : 'r'}' and relname like '${like}' order by oid limit 1`,
    ),
  )
  expect(found).toHaveLength(1)
  await run(`drop ${kind} ${found[0]?.name} cascade`)
}

const WRITES = `insert into items values (300, 'k1', 7); delete from items where id = 5; update kinds set name = 'new' where kind = 'k2'`

const DAMAGES: Readonly<Record<string, readonly [damage: string | (() => Promise<void>), told: RegExp]>> = {
  'a capture trigger': [
    `do $$ begin execute (select format('drop trigger %I on items', tgname) from pg_trigger where tgrelid = 'items'::regclass and tgname like 'freshet_insert_%'); end $$`,
    /trigger missing: .*public\.items/,
  ],
  'a capture trigger of a partition': [`alter table items_b disable trigger user`, /trigger missing: .*items_b/],
  'a capture function': [() => drop('function', 'capture_insert_%'), /trigger missing/],
  'a log': [() => drop('table', 'log_%'), /buffer missing/],
  'a pack table of the log': [() => drop('table', 'pack_%'), /buffer missing/],
  'a change buffer': [() => drop('view', 'changes_%'), /buffer missing/],
  'the row of a source': [
    `delete from freshet.source where table_name = 'items'`,
    /public\.items: that it is captured was not recorded/,
  ],
  'the rows of all sources': [`delete from freshet.source`, /public\.kinds: that it is captured was not recorded/],
  'the change buffer of a stream table': [
    () => drop('table', 'changes_%'),
    /public\.sums: its change buffer was missing/,
  ],
  'the sizes of a stream table’s changes': [
    `do $$ begin execute format('drop view freshet_changes.sizes_%s', freshet.stable_name('public', 'sums')); end $$`,
    /public\.sums: its change buffer was missing/,
  ],
  'that a stream table is read': [
    `update freshet.stream_table set emits_changes = false`,
    /public\.sums: that others read it was not recorded/,
  ],
  'a state table': [() => drop('table', 'stage_%'), /state table freshet_changes\.\S+ was missing/],
  'the state of a stream table': [
    `delete from freshet.stream_table_state where stream_table_id = 1`,
    /public\.sums: its state was missing/,
  ],
  'all states': [`delete from freshet.stream_table_state`, /public\.named: its state was missing/],
  'a dependency': [
    `delete from freshet.dependency where stream_table_id = 2`,
    /that it reads public\.kinds was not recorded/,
  ],
  'the guards': [
    `drop trigger freshet_guard on sums; alter table named disable trigger all; set freshet.apply = on; delete from sums where s > 1; reset freshet.apply`,
    /public\.sums: its trigger freshet_guard was missing/,
  ],
  'a hook of an immediate one': [
    `do $$ begin execute (select format('drop trigger %I on items', tgname) from pg_trigger where tgrelid = 'items'::regclass and tgname like 'freshet_immediate_%insert'); end $$`,
    /triggers are missing or disabled on items/,
  ],
  'the functions of the catalog': [
    `drop function freshet.guard_stream_table cascade; drop function freshet.stable_name; drop view freshet.immediate_fault`,
    /function freshet\.guard_stream_table was missing/,
  ],
  'the OID of a stream table': [
    `update freshet.stream_table set relation = 1 where table_name = 'named'`,
    /public\.named: it is another relation/,
  ],
  'a log, and all of it at once': [
    async () => {
      await drop('table', 'log_%')
      await drop('function', 'capture_update_%')
      await drop('table', 'stage_%')
      await run(`delete from freshet.source where table_name = 'kinds'; delete from freshet.dependency; delete from freshet.stream_table_state;
        drop function freshet.guard_stream_table cascade; drop view freshet.gated_stream_table cascade`)
    },
    /view freshet\.gated_stream_table was missing/,
  ],
}

describe('repair rebuilds', () => {
  test.each(Object.entries(DAMAGES))('%s', async (what, [damage, told]) => {
    await follow()
    await run(WRITES)
    if (typeof damage === 'string') await run(damage)
    else await damage()
    // without its log, a source can not be written to
    if (!what.includes('log')) await run(WRITES.replaceAll('300', '301').replaceAll('= 5', '= 6'))
    const { repaired, failed } = await freshet.repair()
    expect(failed).toEqual([])
    expect(repaired.map(({ subject, message }) => `${subject}: ${message}`).join('\n')).toMatch(told)
    await follow()
    expect((await freshet.doctor()).filter(({ level }) => level === 'error')).toEqual([])
    expect(await freshet.repair()).toEqual({ repaired: [], failed: [] })
    await run(WRITES.replaceAll('300', '302').replaceAll('= 5', '= 7').replace('new', 'newer'))
    expect(await follow()).toMatchObject({
      sums: 'differential',
      named: 'differential',
      above: expect.stringMatching(/differential|none/) as string,
    })
    await expect(run('delete from sums')).rejects.toMatchObject({ code: 'STREAM_TABLE_WRITE' })
  })
})

test('what is whole is left alone, and nothing is filled anew', async () => {
  await run(WRITES)
  expect(await freshet.repair()).toEqual({ repaired: [], failed: [] })
  expect(await follow()).toMatchObject({ sums: 'differential', named: 'differential', at_once: 'none' })
})

test('what can not be rebuilt is told with its hint, and the rest is repaired', async () => {
  await freshet.drop('above')
  await run(`drop table sums; drop trigger freshet_guard on named; drop table kinds`)
  const { repaired, failed } = await freshet.repair()
  expect(repaired).toContainEqual({
    subject: 'public.named',
    message: 'its trigger freshet_guard was missing or disabled',
  })
  expect(failed.map(({ subject, error }) => [subject, error.code, error.hint])).toEqual([
    ['public.sums', 'UNKNOWN_RELATION', 'freshet drop public.sums, and create it again if it is wanted.'],
    ['public.kinds', 'SOURCE_DROPPED', expect.stringMatching(/./) as string],
  ])
})

test('a capture that nobody reads any more is removed', async () => {
  for (const name of ['above', 'sums']) await freshet.drop(name)
  await run(`delete from freshet.stream_table where table_name = 'named'`)
  expect((await freshet.repair()).repaired).toEqual([
    { subject: 'public.items', message: 'it was captured, and nothing read it' },
    { subject: 'public.kinds', message: 'it was captured, and nothing read it' },
  ])
})
