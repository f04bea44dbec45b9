import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import { bufferTable, identifier, raw, sql } from '@freshet/core'
import {
  assertEqualToQuery,
  createTestDatabase,
  freshSeed,
  type Random,
  random,
  type TestDatabase,
} from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { keptProcess } from './kept-process.ts'
import { OUTSIDE, type Place } from './outside-copy.ts'

/**
 * A subscriber that keeps copies of two stream tables is killed wherever it can be, frozen, and loses its connections,
 * while writers write, and the stream tables are refreshed by a scheduler that is killed as well, computed anew, and
 * altered. Whenever a copy has come as far as the stream table, it is the stream table.
 */
const SECONDS = LONG ? Number(process.env['FRESHET_CHAOS_SECONDS'] ?? 300) : 0

const KINDS = 120

interface Streamed {
  readonly columns: readonly string[]
  /** The one, and what it is altered to, and back. */
  readonly queries: readonly [string, string]
}

/** One with a key, and one with duplicates. */
const TABLES: Readonly<Record<string, Streamed>> = {
  by_kind: {
    columns: ['kind', 'n', 'total'],
    queries: [
      'select kind, count(*) as n, sum(price) as total from item group by kind',
      'select kind, count(*) as n, max(price)::bigint as total from item group by kind',
    ],
  },
  notes: {
    columns: ['note', 'price'],
    queries: ['select note, price from item where price > 20', 'select note, price from item where price > 40'],
  },
}
const NAMES = Object.keys(TABLES)

/** Places in the process, and what happens to it from outside. `anew`: in the snapshot that follows an altered query. */
type Strike = Exclude<Place, 'in the table'> | 'anywhere' | 'anew' | 'frozen' | 'reading backend' | 'writing backend'
/** In the short form too. */
const SURE: readonly Strike[] = ['put away', 'anew']
const OTHERS: readonly Strike[] = [
  'taken',
  'between pages',
  'token',
  'committed',
  'anywhere',
  'frozen',
  'reading backend',
  'writing backend',
]
const STRIKES = [...SURE, ...OTHERS]

test('a subscriber that is struck anywhere has the exact table', { timeout: 3_600_000 }, async () => {
  const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
  const chance = random(seed)
  await using own = await createTestDatabase()
  const run = (text: string) => own.database.query(raw(text))
  await run(OUTSIDE)
  await run(`create table item (id serial primary key, kind int not null, note text, price int not null);
    insert into item (kind, note, price) select i % ${KINDS}, nullif('n' || i % 7, 'n0'), i * 7 % 60 from generate_series(1, 600) i`)
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  const query = new Map<string, 0 | 1>()
  for (const [name, { columns, queries }] of Object.entries(TABLES)) {
    await freshet.create({ name, query: queries[0], mode: 'differential', schedule: 'live' })
    await run(`create table outside.${name} as select ${columns.join(', ')} from ${name} with no data`)
  }
  await run('alter table outside.by_kind add primary key (kind)')

  const scheduler = await keptProcess(own, new URL('./scheduler.fixture.ts', import.meta.url), [own.url])
  const subscriber = await keptProcess(own, new URL('./subscriber.fixture.ts', import.meta.url), [
    own.url,
    '10',
    ...NAMES,
  ])
  while ((await run('select from outside.token')).length < NAMES.length) await sleep(5)
  const writers = startWriters(own, chance)
  own.defer(async () => void (await writers.stop()))
  const counts = { killed: 0, frozen: 0, terminated: 0, schedulers: 0, altered: 0, full: 0, compared: 0 }

  const alter = async (name: string) => {
    const next = query.get(name) === 1 ? 0 : 1
    await freshet.alter(name, { query: TABLES[name]?.queries[next] ?? '' })
    query.set(name, next)
    counts.altered++
  }
  const strike = async (kind: Strike) => {
    switch (kind) {
      case 'anywhere':
        await sleep(chance.int(0, 300))
        await subscriber.kill()
        break
      case 'frozen':
        subscriber.signal('SIGSTOP')
        await refreshed(own)
        await sleep(chance.int(0, 500))
        subscriber.signal('SIGCONT')
        counts.frozen++
        return
      case 'reading backend':
      case 'writing backend':
        await terminated(own, kind === 'reading backend' ? 'subscriber' : 'outside', chance)
        counts.terminated++
        return
      case 'anew':
        await subscriber.fall('in the table', chance.int(1, 10), () => alter(chance.pick(NAMES)))
        break
      default:
        await subscriber.fall(kind, chance.int(1, 3))
    }
    await subscriber.start()
    counts.killed++
  }

  const until = performance.now() + SECONDS * 1_000
  do {
    for (const kind of chance.shuffle(LONG ? STRIKES : [...SURE, ...chance.sample(OTHERS, 2)])) {
      await sleep(LONG ? chance.int(0, 500) : 0)
      await strike(kind)
      if (chance.chance(0.1)) {
        await scheduler.kill()
        await scheduler.start()
        counts.schedulers++
      }
      if (chance.chance(0.2)) {
        await freshet.refresh(chance.pick(NAMES), { full: true })
        counts.full++
      }
      if (LONG && chance.chance(0.05)) await alter(chance.pick(NAMES))
      if (chance.chance(0.3)) {
        // so that the subscriber comes as far, also on a busy machine
        writers.hold(true)
        await compared(own, chance.pick(NAMES), seed)
        writers.hold(false)
        counts.compared++
      }
    }
  } while (performance.now() < until)

  const written = await writers.stop()
  await freshet.refreshAll()
  for (const name of NAMES) {
    await assertEqualToQuery(own.database, name, TABLES[name]?.queries[query.get(name) ?? 0] ?? '')
    await compared(own, name, seed)
    counts.compared++
  }
  const [taken] = await own.database.query<Record<string, number>>(
    raw(`select count(*)::int as batches, sum(pages)::int as pages, sum(rows)::int as rows,
      count(*) filter (where kind = 'snapshot')::int as snapshots, max(pages)::int as "mostPages" from outside.batch`),
  )
  expect(taken?.['snapshots'], `seed ${seed}`).toBeGreaterThan(NAMES.length)
  expect(taken?.['mostPages'], `seed ${seed}`).toBeGreaterThan(1)
  console.log({ seed, ...counts, written, ...taken, differences: 0 })
})

/** Small transactions and now and then one that touches many rows; some are rolled back. Each of the two has rows of its own. */
function startWriters(own: TestDatabase, chance: Random) {
  const state = { held: false, stopped: false, written: 0 }
  const write = async (dice: Random, writer: number) => {
    const client = await own.client()
    while (!state.stopped) {
      await client.query('begin')
      for (let i = dice.int(1, 3); i > 0; i--) {
        const kind = dice.int(0, KINDS - 1)
        await client.query(
          dice.weighted([
            [4, `insert into item (kind, note, price) values (${kind}, 'n${dice.int(1, 6)}', ${dice.int(0, 60)})`],
            [
              3,
              `delete from item where id in (select id from item where kind = ${kind} and id % 2 = ${writer} limit 2)`,
            ],
            [3, `update item set price = price + ${dice.int(-5, 5)} where kind = ${kind} and id % 2 = ${writer}`],
            [
              1,
              `update item set kind = (kind + 1) % ${KINDS}, note = 'm' || kind % 5 where id % 8 = ${dice.int(0, 3) * 2 + writer}`,
            ],
          ]),
        )
      }
      await client.query(dice.chance(0.1) ? 'rollback' : 'commit')
      state.written++
      do await sleep(dice.int(1, 30))
      while (state.held && !state.stopped)
    }
  }
  const writers = Promise.all([write(chance.fork(), 0), write(chance.fork(), 1)])
  return {
    hold: (held: boolean) => {
      state.held = held
    },
    stop: async (): Promise<number> => {
      state.stopped = true
      await writers
      return state.written
    },
  }
}

/** Until every stream table has been refreshed since now. */
async function refreshed(own: TestDatabase): Promise<void> {
  const [now] = await own.database.query<{ now: string }>(raw('select clock_timestamp()::text as now'))
  for (;;) {
    const [row] = await own.database.query<{ all: boolean }>(
      sql`select bool_and(refreshed_at > ${now?.now ?? ''}::timestamptz) as all from freshet.stream_table_state`,
    )
    if (row?.all === true) return
    await sleep(10)
  }
}

/** Ends one session of the subscriber, in whatever it is doing; waits for there to be one. */
async function terminated(own: TestDatabase, application: string, chance: Random): Promise<void> {
  for (;;) {
    const found = await own.database.query<{ pid: number }>(
      sql`select pid from pg_stat_activity where datname = current_database() and application_name = ${application} order by pid`,
    )
    if (found.length > 0) {
      await own.database.query(sql`select pg_terminate_backend(${chance.pick(found).pid})`)
      return
    }
    await sleep(10)
  }
}

/**
 * Waits for the copy to be as far as the stream table, so that the buffer holds nothing after its token, and compares them
 * in the same statement: at one moment, while both go on.
 */
async function compared(own: TestDatabase, name: string, seed: number): Promise<void> {
  const [known] = await own.database.query<{ stable: string }>(
    sql`select stable_name as stable from freshet.stream_table where table_name = ${name}`,
  )
  const stable = known?.stable ?? ''
  const columns = raw(TABLES[name]?.columns.join(', ') ?? '')
  const [table, copy] = [identifier('public', name), identifier('outside', name)]
  const statement = sql`
    with held as (
      select split_part(convert_from(decode(rpad(translate(token, '-_', '+/'), (length(token) + 3) / 4 * 4, '='), 'base64'),
        'utf8'), ' ', 5)::pg_snapshot as f
      from outside.token where name = ${name}
    )
    select
      exists (select from freshet.source, held where stable_name = ${stable} and pg_visible_in_snapshot(began, f))
        and not exists (select from ${bufferTable(stable)}, held where not pg_visible_in_snapshot(__x, f)) as there,
      array(select 'only in the copy: ' || extra::text
        from (select ${columns} from ${copy} except all select ${columns} from ${table}) extra) as extra,
      array(select 'only in the table: ' || missing::text
        from (select ${columns} from ${table} except all select ${columns} from ${copy}) missing) as missing`
  for (;;) {
    const [found] = await own.database.query<{ there: boolean; extra: string[]; missing: string[] }>(statement)
    if (found?.there === true) {
      expect([...found.extra, ...found.missing].slice(0, 10), `${name}, seed ${seed}`).toEqual([])
      return
    }
    await sleep(5)
  }
}
