import { setTimeout as sleep } from 'node:timers/promises'
import { type Capture, connect, raw } from '@freshet/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { alterStreamTable } from './alter.ts'
import { createStreamTable } from './create.ts'
import type { Progress } from './progress.ts'
import { verifyStreamTable } from './verify.ts'
import { createWorld, leftBehind, type World } from './world.fixture.ts'

/** Creation: what it refuses and that it then leaves nothing; what it does while others write. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i`

describe('refused, and nothing is left', () => {
  const CASES: readonly (readonly [code: string, name: string, query: string])[] = [
    ['UNKNOWN_RELATION', 'answer', 'select * from nowhere'],
    ['UNKNOWN_RELATION', 'nowhere.answer', 'select id from items'],
    ['UNKNOWN_COLUMN', 'answer', 'select nothing from items'],
    ['SYNTAX_ERROR', 'answer', 'select from from'],
    ['NOT_A_SELECT', 'answer', 'delete from items'],
    ['NOT_A_SELECT', 'answer', 'select 1; select 2'],
    ['NOT_A_SELECT', 'answer', 'select id into other from items'],
    ['SYNTAX_ERROR', 'answer', ''],
    ['INVALID_QUERY', 'answer', 'select id, count(*) from items'],
    ['INVALID_QUERY', 'answer', 'select'],
    // PostgreSQL prints a constant of ORDER BY so that it can not read it
    ['INVALID_QUERY', 'answer', `select id, - '2.5'::numeric as n from items order by 2, 1`],
    ['VOLATILE_FUNCTION', 'answer', 'select id, random() from items'],
    ['SYSTEM_SOURCE', 'answer', 'select version from freshet.stream_table_state'],
    ['RESERVED_COLUMN_NAME', 'answer', 'select id as __key from items'],
    ['DUPLICATE_NAME', 'items', 'select id from items'],
    ['INVALID_NAME', 'a.b.c', 'select id from items'],
    ['INVALID_NAME', 'freshet.answer', 'select id from items'],
    ['NAME_TOO_LONG', 'x'.repeat(64), 'select id from items'],
    ['DIVISION', 'answer', 'select id, 1 / (n - 20) as x from items'],
  ]

  test.each(CASES)('%s: %s: %s', async (code, name, query) => {
    await world.run(ITEMS)
    const expected = code === 'DIVISION' ? { sqlState: '22012' } : { code }
    await expect(createStreamTable(world.context, { name, query })).rejects.toMatchObject(expected)
    expect(await leftBehind(world.database)).toEqual([])
    expect(await world.rows(`select from pg_class where relname = 'answer'`)).toEqual([])
  })

  test('a temporary table as source', async () => {
    const database = await connect({ url: world.own.url, poolSize: 1 })
    await database.query(raw('create temporary table passing (a int)'))
    const context = { ...world.context, database }
    await expect(createStreamTable(context, { name: 'answer', query: 'select a from passing' })).rejects.toMatchObject({
      code: 'TEMPORARY_SOURCE',
    })
    await database.close()
    expect(await leftBehind(world.database)).toEqual([])
  })

  test('an invalid schedule', async () => {
    await world.run(ITEMS)
    for (const schedule of [
      'never',
      '5',
      '0s',
      '-1m',
      '5 s',
      '9ms',
      'cron: 0 25 * * *',
      'cron: 0 6 * * * Europe/Nowhere',
    ]) {
      await expect(
        createStreamTable(world.context, { name: 'answer', query: 'select id from items', schedule }),
      ).rejects.toMatchObject({ code: 'INVALID_SCHEDULE' })
    }
    expect(await leftBehind(world.database)).toEqual([])
  })

  test('a capture that fails', async () => {
    await world.run(`${ITEMS}; create table second (id int)`)
    let calls = 0
    const capture: Capture = {
      ...world.context.capture,
      ensure: async (...args) => {
        if (++calls === 2) throw new Error('no more')
        return world.context.capture.ensure(...args)
      },
    }
    await expect(
      createStreamTable({ ...world.context, capture }, { name: 'answer', query: 'select i.id from items i, second s' }),
    ).rejects.toThrow('no more')
    expect(calls).toBe(2)
    expect(await leftBehind(world.database)).toEqual([])
  })

  test('a second one of the same name, the first one stays', async () => {
    await world.run(ITEMS)
    await world.stream('answer', 'select id from items')
    await expect(world.stream('answer', 'select kind from items')).rejects.toMatchObject({ code: 'DUPLICATE_NAME' })
    await world.step(`insert into items values (100, 'x', 1)`)
  })

  test('two at once of one name: one wins', async () => {
    await world.run(ITEMS)
    const both = await Promise.allSettled(
      [1, 2].map((n) => createStreamTable(world.context, { name: 'answer', query: `select id, ${n} as n from items` })),
    )
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'DUPLICATE_NAME' } })
    expect(await world.rows('select count(*)::int as n from answer')).toEqual([{ n: 40 }])
  })
})

describe('stable names', () => {
  test('a renamed source keeps its own; a new table of the old name is told so', async () => {
    await world.run(ITEMS)
    await world.stream('answer', 'select id from items')
    await world.run(
      'alter table items rename to items_before; create table items (id int primary key); insert into items values (7)',
    )
    await expect(
      createStreamTable(world.context, { name: 'other', query: 'select id from items' }),
    ).rejects.toMatchObject({ code: 'NAME_COLLISION' })
    await expect(
      createStreamTable(world.context, { name: 'both', query: 'select a.id from items a, items_before b' }),
    ).rejects.toMatchObject({ code: 'NAME_COLLISION' })
    expect(await world.rows('select table_name as t from freshet.stream_table')).toEqual([{ t: 'answer' }])
  })

  test('a renamed stream table keeps its own; a new one of the old name is told so', async () => {
    await world.run(ITEMS)
    await world.stream('answer', 'select id from items')
    await alterStreamTable(world.context, 'answer', { rename: 'renamed' })
    await expect(
      createStreamTable(world.context, { name: 'answer', query: 'select kind from items' }),
    ).rejects.toMatchObject({ code: 'NAME_COLLISION' })
    expect(await world.rows(`select from pg_class where relname = 'answer'`)).toEqual([])
  })
})

describe('while others write', () => {
  test('no change before, during or after the fill is lost or doubled', async () => {
    await world.run(`${ITEMS}; insert into items select i, 'k' || i % 7, i from generate_series(1000, 6000) i`)
    const early = await world.own.client()
    const writers = await Promise.all([1, 2, 3].map(() => world.own.client()))
    let writing = true
    let written = 0
    const work = writers.map(async (client, w) => {
      for (let i = 0; writing; i++) {
        const id = 100_000 * (w + 1) + i
        await client.query('begin')
        await client.query(`insert into items values (${id}, 'w${w}', 1)`)
        await client.query(`update items set n = n + 1 where id = ${1000 + ((i * 37 + w) % 5000)}`)
        if (i % 3 === 0) await client.query(`delete from items where id = ${id - 1}`)
        await client.query(i % 5 === 0 ? 'rollback' : 'commit')
        written++
      }
    })
    await early.query(`begin; update items set n = -1 where id = 1`)
    const late = sleep(150).then(() => early.query('commit'))
    await createStreamTable(world.context, {
      name: 'answer',
      query: 'select kind, sum(n) as s, count(*) as c from items group by kind',
    })
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: true })
    await late
    await sleep(50)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: true })
    writing = false
    await Promise.all(work)
    expect(written).toBeGreaterThan(10)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: true })
    expect(await world.rows(`select reason from freshet.refresh_history where action = 'full'`)).toEqual([])
  })

  test('progress is told, and the last word is done', async () => {
    await world.run(ITEMS)
    const steps: Progress[] = []
    await createStreamTable(world.context, { name: 'answer', query: 'select i.id from items i' }, (step) =>
      steps.push(step),
    )
    expect([...new Set(steps.map(({ phase }) => phase))]).toEqual(['resolve', 'capture', 'fill', 'index', 'done'])
  })
})
