import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** What a monitor asks in SQL: how the stream tables are, and who reads what. */
const STREAMS = {
  'shop."Per ""kind"""': 'select kind, sum(n) as n from shop.item group by kind',
  'shop.now': 'select n, kind from shop.item where n > 1',
  'shop.top': 'select max(n) as n from shop."Per ""kind"""',
  'shop.pair': 'select p.kind, t.n from shop."Per ""kind""" p join shop.top t on t.n = p.n',
} as const

let own: Awaited<ReturnType<typeof createTestDatabase>>
let freshet: Awaited<ReturnType<typeof connect>>
const run = (script: string) => own.database.query<Record<string, unknown>>(raw(script))

beforeAll(async () => {
  own = await createTestDatabase()
  await run(`create schema shop; create table shop.item (id int primary key, kind text not null, n int not null);
    insert into shop.item select i, 'k' || i % 3, i from generate_series(1, 9) i`)
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, query] of Object.entries(STREAMS)) {
    const mode = name === 'shop.now' ? 'immediate' : 'differential'
    await freshet.create({ name, query, mode, ...(mode === 'immediate' ? {} : { schedule: 'manual' }) })
  }
})
afterAll(() => own.drop())

const status = async (name: string) =>
  (await run(`select * from freshet.stream_tables_status where name = '${name}'`)).at(0)

test('how a stream table is: fresh, paused, failing', async () => {
  await run(`insert into shop.item values (100, 'k1', 5)`)
  await freshet.refresh('shop.top', { upstream: true })
  expect(await status('shop.top')).toMatchObject({
    mode: 'differential',
    effective_mode: 'differential',
    schedule: 'manual',
    status: 'active',
    paused_sources: null,
    consecutive_errors: 0,
    error_code: null,
    last_action: 'differential',
    last_rows_inserted: '1',
  })
  expect(await run(`select from freshet.stream_tables_status where age >= '0' and last_duration >= '0'`)).toHaveLength(
    Object.keys(STREAMS).length,
  )
  await freshet.pause('shop.top')
  expect(await status('shop.top')).toMatchObject({ status: 'paused' })
  await freshet.resume('shop.top')
  await freshet.pauseCapture({ kind: 'source', name: 'shop.item' })
  expect(await status('shop."Per ""kind"""')).toMatchObject({ paused_sources: ['shop.item'] })
  await freshet.resumeCapture({ kind: 'source', name: 'shop.item' })
  await freshet.refreshAll()
  for (const [name, query] of Object.entries(STREAMS)) await assertEqualToQuery(own.database, name, query)
})

test('it reads one row of the history for each, however long that is', async () => {
  await run(`insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by)
    select stream_table_id, clock_timestamp(), 'differential', 'test'
    from freshet.stream_table, generate_series(1, 5000); analyze freshet.refresh_history`)
  const [explained] = await run('explain (analyze, format json) select * from freshet.stream_tables_status')
  const nodes = JSON.stringify(explained)
  expect(nodes).toContain('refresh_history_stream_table_id_refresh_id_idx')
  expect(nodes).not.toMatch(/"Node Type":"Seq Scan","[^}]*"Relation Name":"refresh_history"/)
})

test('the way down from what nobody reads, and from one', async () => {
  const lines = async (name: string) =>
    (await run(`select depth, relation from freshet.dependency_tree(${name})`)).map(
      ({ depth, relation }) => '  '.repeat(Number(depth)) + String(relation),
    )
  const kind = 'shop."Per ""kind"""'
  const below = [`  ${kind}`, '    shop.item']
  const top = ['shop.top', ...below]
  expect(await lines('null')).toEqual([
    'shop.now',
    '  shop.item',
    'shop.pair',
    ...below,
    ...top.map((line) => `  ${line}`),
  ])
  expect(await lines(`'shop.top'`)).toEqual(top)
  await expect(lines(`'shop.item'`)).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
})

test('as a picture, whatever the names are', async () => {
  const text = async (format: string) =>
    String((await run(`select freshet.explain_dag(${format}) as text`))[0]?.['text'])
  const ids = new Map(
    (await run('select name, stream_table_id as id from freshet.stream_tables_status')).map(({ name, id }) => [
      name,
      id,
    ]),
  )
  const named = (picture: string) =>
    [...ids]
      .reduce((shown, [name, id]) => shown.replaceAll(`t${String(id)} `, `<${String(name)}> `), `${picture}\n`)
      .replaceAll(
        /t(?<id>\d+)(?=[\n;[])/g,
        (_, id: string) => `<${String([...ids].find(([, own]) => String(own) === id)?.[0])}>`,
      )
      .replaceAll(/s[0-9a-f]{16}/g, '<source>')
  expect(named(await text(''))).toMatchInlineSnapshot(`
    "flowchart LR
      <shop."Per ""kind""">["shop.#quot;Per #quot;#quot;kind#quot;#quot;#quot;<br/>manual"]
      <source>[("shop.item")]
      <shop.now>["shop.now<br/>live"]
      <shop.pair>["shop.pair<br/>manual"]
      <shop.top>["shop.top<br/>manual"]
      <source> --> <shop."Per ""kind""">
      <source> --> <shop.now>
      <shop."Per ""kind"""> --> <shop.top>
      <shop."Per ""kind"""> --> <shop.pair>
      <shop.top> --> <shop.pair>
    "
  `)
  expect(named(await text(`'dot'`))).toMatchInlineSnapshot(`
    "digraph freshet {
      rankdir=LR;
      <shop."Per ""kind"""> [label="shop.\\"Per \\"\\"kind\\"\\"\\"\\nmanual", shape=box];
      <source> [label="shop.item", shape=cylinder];
      <shop.now> [label="shop.now\\nlive", shape=box];
      <shop.pair> [label="shop.pair\\nmanual", shape=box];
      <shop.top> [label="shop.top\\nmanual", shape=box];
      <source> -> <shop."Per ""kind""">;
      <source> -> <shop.now>;
      <shop."Per ""kind"""> -> <shop.top>;
      <shop."Per ""kind"""> -> <shop.pair>;
      <shop.top> -> <shop.pair>;
    }
    "
  `)
  await expect(text(`'svg'`)).rejects.toMatchObject({ message: expect.stringContaining(`there is no format 'svg'`) })
})
