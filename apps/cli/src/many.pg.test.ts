import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EXIT } from './exit-code.ts'
import { freshetHere } from './process.fixture.ts'

/** `list`, `status` and `sla` over a real database: what they show, and how much of it. */
const QUERIES = ['a', 'b', 'c', 'd'].map((name, i) => [name, `select id, n from item where n > ${i}`] as const)

let own: TestDatabase
const run = (script: string) => own.database.query<Record<string, unknown>>(raw(script))
const shown = async (...words: string[]) => {
  const ended = await freshetHere(words, { DATABASE_URL: own.url })
  expect(ended).toMatchObject({ exitCode: EXIT.done, err: '' })
  return ended.out
}
/** Of the rows of the table, which ends with an empty line. */
const names = (text: string) => {
  const lines = text.trimEnd().split('\n\n')[0]?.split('\n') ?? []
  return lines.slice(1).map((line) => line.split(/ +/)[0])
}

beforeAll(async () => {
  own = await createTestDatabase()
  await run(
    'create table item (id int primary key, n int not null); insert into item select i, i from generate_series(1, 9) i',
  )
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, query] of QUERIES) await freshet.create({ name, query, sla: '1s', schedule: '10s' })
  for (const [name, query] of QUERIES) await assertEqualToQuery(own.database, name, query)
  // 100 refreshes of each: those of c missed the objective as they wait for their schedule, and d is in trouble
  await run(`insert into freshet.freshness (stream_table_id, hour, bucket, refreshes, promised, late)
    select stream_table_id, date_trunc('hour', clock_timestamp()), case table_name when 'c' then 25 else 10 end, 100, 100,
      case table_name when 'c' then 100 else 0 end
    from freshet.stream_table`)
  await run(`update freshet.stream_table_state set status = 'suspended', consecutive_errors = 5
    where stream_table_id = (select stream_table_id from freshet.stream_table where table_name = 'd')`)
})
afterAll(() => own.drop())

it('sla shows how long changes waited, and what to do where they waited too long', async () => {
  expect(await shown('sla')).toMatchInlineSnapshot(`
    "STREAM TABLE  SCHEDULE  TIER    SLA    MET  BUDGET LEFT  REFRESHES    P50    P95    P99
    public.a      10s       hot   1.0 s  100 %        100 %        100  32 ms  32 ms  32 ms
    public.b      10s       hot   1.0 s  100 %        100 %        100  32 ms  32 ms  32 ms
    public.c      10s       hot   1.0 s    0 %      -9900 %        100  5.8 s  5.8 s  5.8 s
    public.d      10s       hot   1.0 s  100 %        100 %        100  32 ms  32 ms  32 ms

    public.c: a schedule of at most 1s, or an SLA of 5.8s
    "
  `)
  expect(names(await shown('sla', '--limit', '1'))).toEqual(['public.c'])
  expect(JSON.parse(await shown('sla', '--json', '--limit', '2'))).toMatchObject([
    { name: 'public.c' },
    { name: 'public.a' },
  ])
})

it('of many, list and status show as many as asked for, those in trouble first; JSON has all', async () => {
  for (const command of ['list', 'status']) {
    expect(names(await shown(command))).toEqual(['public.a', 'public.b', 'public.c', 'public.d'])
    const some = await shown(command, '--limit', '2')
    expect(names(some)).toEqual(['public.d', 'public.a'])
    expect(some).toContain(
      '2 of 4 stream tables, first those that want attention (1). --limit shows more, and --json all.',
    )
    expect(JSON.parse(await shown(command, '--json'))).toHaveLength(4)
    expect(JSON.parse(await shown(command, '--json', '--limit', '3'))).toHaveLength(3)
  }
  expect(JSON.parse(await shown('status', 'b', '--json'))).toMatchObject([{ name: 'public.b' }])
})
