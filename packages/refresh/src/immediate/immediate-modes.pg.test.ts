import { bufferTable, raw } from '@freshet/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { alterStreamTable, pauseStreamTable, resumeStreamTable } from '../alter.ts'
import { createStreamTable } from '../create.ts'
import { findDefinition, listDefinitions, nameOf } from '../definition.ts'
import { resolveQuery } from '../resolve/resolve.ts'
import { explain } from '../explain.ts'
import { planNodes } from '../explained.fixture.ts'
import { createRefresher } from '../refresher.ts'
import { describeStreamTables, statusOf } from '../status.ts'
import { verifyStreamTable } from '../verify.ts'
import { JOINED, SUMS, TABLES, createImmediateWorld, type ImmediateWorld } from './immediate-world.fixture.ts'

/** Becoming immediate, ceasing to be, and living beside stream tables that are not. */
let world: ImmediateWorld
beforeAll(async () => {
  world = await createImmediateWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const refresh = async (name: string, full = false) =>
  createRefresher(world.context).refresh((await findDefinition(world.database, name)).id, { full })

/** What is captured, and by what. */
const captured = async () =>
  (
    await world.database.query<{ source: string }>(
      raw(`select table_name || ' ' || capture as source from freshet.source order by 1`),
    )
  ).map(({ source }) => source)

test('explain shows what writers run', async () => {
  await world.run(TABLES)
  await world.stream('answer', JOINED)
  const { effectiveMode, statements } = await explain(world.database, { name: 'answer' })
  expect(effectiveMode).toBe('immediate')
  const applied = Object.keys(statements).filter((name) => name.startsWith('apply'))
  expect(applied.sort()).toEqual([
    'apply',
    'apply many changes',
    'apply where only public.a has changed',
    'apply where only public.b has changed',
  ])
  expect(Object.keys(statements)).not.toContain('refresh')
  const functions = await world.database.query<{ body: string }>(
    raw(`select prosrc as body from pg_proc where pronamespace = 'freshet_changes'::regnamespace`),
  )
  // the statement for many changes is a literal
  const bodies = functions.map(({ body }) => body.replaceAll(/\s+/g, ' ').replaceAll("''", "'")).join(' ')
  for (const name of applied) {
    const [, window = ''] = /"notes of \w" as (\(\n[\s\S]*?\n\))/.exec(statements[name] ?? '') ?? []
    expect(window).toContain('delete from freshet_changes.pending_')
    expect(bodies).toContain(window.replaceAll(/\s+/g, ' '))
  }
})

test('the rows of two windows are not compared each with each', async () => {
  await world.run(TABLES)
  await world.stream('answer', 'select id, v from a where exists (select from a as o where o.g = a.g and o.v <> a.v)')
  const { statements } = await explain(world.database, { name: 'answer' })
  const nodes = planNodes(await world.database.query(raw(`explain (format json) ${statements['apply']}`)))
  expect(nodes.map((node) => node['CTE Name'])).toContain('window of a')
  const loops = nodes.filter(
    ({ 'Node Type': type, Plans: inputs }) =>
      type === 'Nested Loop' && inputs?.every((input) => input['CTE Name'] !== undefined),
  )
  expect(loops).toEqual([])
})

describe('switching', () => {
  test('a query that PostgreSQL prints otherwise once it has read its own print', async () => {
    await world.run(TABLES)
    const query = 'select distinct on (g) g, v as first, v as second, 3 as three from a order by g, v nulls first, 3, 4'
    await createStreamTable(world.context, { name: 'answer', query, mode: 'immediate' })
    const { definition } = await findDefinition(world.database, 'answer')
    expect((await resolveQuery(world.database, definition)).facts.definition).toBe(definition)
    await world.step('insert into a values (500, 1, -1); delete from a where id = 1')
  })

  test('there and back, by every mode, with changes waiting', async () => {
    await world.run(TABLES)
    await createStreamTable(world.context, { name: 'answer', query: JOINED, mode: 'auto' })
    let next = 100
    for (const mode of ['immediate', 'differential', 'immediate', 'full', 'immediate', 'auto', 'immediate'] as const) {
      await world.run(`insert into a values (${++next}, 1, 1); update b set g = ${next % 3} where id = 2`)
      const { mode: now } = await alterStreamTable(world.context, 'answer', { mode })
      expect(now).toBe(mode)
      if (mode === 'immediate') {
        await world.compare()
        expect(await captured()).toEqual([])
        await world.step(`insert into b values (${++next}, 1, 1); delete from a where id = ${next - 100}`)
        expect(await refresh('answer')).toMatchObject({ action: 'none' })
      } else {
        expect(await captured()).toEqual(['a trigger', 'b trigger'])
        await world.compare()
        await world.run(`insert into b values (${++next}, 1, 1)`)
        expect(await refresh('answer')).toMatchObject({ action: mode === 'full' ? 'full' : 'differential' })
        await world.compare()
      }
    }
    expect(await describeStreamTables(world.database)).toMatchObject([
      {
        mode: 'immediate',
        effectiveMode: 'immediate',
        modeReason: null,
        sources: [{ name: 'public.a' }, { name: 'public.b' }],
      },
    ])
  })

  test('with a truncated source waiting', async () => {
    await world.run(TABLES)
    await createStreamTable(world.context, { name: 'answer', query: JOINED })
    await world.run('truncate b; insert into b values (1, 1, 1)')
    await alterStreamTable(world.context, 'answer', { mode: 'immediate' })
    await world.compare()
    await world.step('insert into a values (100, 1, 1)')
  })

  test('of a query that does not permit it, nothing changes', async () => {
    await world.run(TABLES)
    await createStreamTable(world.context, { name: 'answer', query: 'select id from a tablesample system (100)' })
    await expect(alterStreamTable(world.context, 'answer', { mode: 'immediate' })).rejects.toMatchObject({
      code: 'NOT_IMMEDIATE',
    })
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ mode: 'auto', status: 'active' })
    await expect(
      createStreamTable(world.context, {
        name: 'other',
        query: 'select id from a tablesample system (100)',
        mode: 'immediate',
      }),
    ).rejects.toMatchObject({ code: 'NOT_IMMEDIATE' })
    expect(await listDefinitions(world.database)).toHaveLength(1)
  })

  test('while others write', { timeout: 60_000 }, async () => {
    await world.run(TABLES)
    await createStreamTable(world.context, { name: 'answer', query: JOINED })
    await createStreamTable(world.context, { name: 'sums', query: SUMS })
    await createStreamTable(world.context, { name: 'keyed', query: 'select id, v from a where g <> 2' })
    const state = { stopped: false, committed: 0 }
    const writers = await Promise.all([1, 2, 3, 4].map(() => world.own.client()))
    const writing = writers.map(async (client, w) => {
      await client.query(`set deadlock_timeout = '50ms'`)
      for (let i = 0; !state.stopped; i++) {
        const id = 100 + ((i * 7 + w * 13) % 40)
        const statements = [
          `insert into a values (${id}, ${i % 3}, ${i % 5}) on conflict (id) do update set v = a.v + 1`,
          `insert into b values (${id}, ${i % 3}, 1) on conflict (id) do update set g = excluded.g`,
          `delete from ${i % 2 === 0 ? 'a' : 'b'} where id = ${id + 1}`,
        ]
        await client
          .query(`begin; ${statements.slice(0, 1 + (i % 3)).join('; ')}; ${i % 5 === 0 ? 'rollback' : 'commit'}`)
          .then(() => state.committed++)
          .catch((error: unknown) => {
            expect(error).toMatchObject({ code: '40P01' })
            return client.query('rollback')
          })
      }
    })
    for (const mode of ['immediate', 'auto', 'immediate', 'differential', 'immediate'] as const)
      for (const name of ['answer', 'sums', 'keyed']) {
        await alterStreamTable(world.context, name, { mode })
        const { equal, samples } = await verifyStreamTable(world.context, name)
        expect({ name, mode, equal, samples }).toEqual({ name, mode, equal: true, samples: [] })
      }
    state.stopped = true
    await Promise.all(writing)
    await world.compare()
    expect(state.committed).toBeGreaterThan(20)
  })
})

describe('altering', () => {
  test('its query and its name', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await alterStreamTable(world.context, 'answer', { query: SUMS })
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ mode: 'immediate', query: SUMS })
    await world.step('insert into a values (100, 1, 1)')
    await alterStreamTable(world.context, 'answer', { rename: 'totals' })
    await world.step('insert into a values (101, 1, 1)')
    await alterStreamTable(world.context, 'totals', { query: JOINED, mode: 'auto', schedule: '5s' })
    await world.run('insert into a values (102, 1, 1)')
    expect(await refresh('totals')).toMatchObject({ action: 'differential' })
    await world.compare()
  })

  test('to a query that fails: it stays what it was', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await expect(alterStreamTable(world.context, 'answer', { query: 'select nothing from a' })).rejects.toMatchObject({
      code: 'UNKNOWN_COLUMN',
    })
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ mode: 'immediate', query: JOINED })
    await world.step('insert into a values (100, 1, 1)')
  })

  test('pause and resume', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await pauseStreamTable(world.context, 'answer')
    await world.run('insert into a values (100, 1, 1)')
    expect(await world.database.query(raw('select from answer where id = 100'))).toEqual([])
    await resumeStreamTable(world.context, 'answer')
    await world.compare()
    await world.step('insert into a values (101, 1, 1)')
  })
})

describe('a refresh', () => {
  test('finds nothing to do; in full it mends what somebody did to the table', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await world.run(`begin; set local freshet.apply = on; delete from answer where id = 1; commit`)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: false, missing: 4 })
    expect(await refresh('answer')).toMatchObject({ action: 'none' })
    expect(await refresh('answer', true)).toMatchObject({ action: 'full', reason: 'REQUESTED', rowsInserted: 4 })
    await world.compare()
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: true })
    expect(await statusOf(world.database)).toMatchObject([{ pendingChanges: 0 }])
    await world.step('insert into a values (101, 1, 1)')
  })

  test('force_full_refresh: writers recompute', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await world.run(`insert into freshet.setting values ('force_full_refresh', 'true')`)
    await world.step('insert into a values (101, 1, 1); update b set g = 1')
    await world.run('delete from freshet.setting')
    await world.step('insert into a values (102, 1, 1)')
  })
})

describe('beside other stream tables', () => {
  const CHANGES = [
    'insert into a values (100, 1, 1), (101, 7, 5)',
    'update a set g = 2 where id < 4',
    'delete from b where g = 1',
    'with x as (delete from a where g = 2 returning g) insert into b select 200 + row_number() over (), g, 1 from x',
    'truncate b',
    'insert into b select i, i % 3, i from generate_series(1, 9) i',
    'truncate a, b',
    'insert into a values (1, 1, 1), (2, 1, 2)',
  ]

  test('immediate over immediate over immediate, and over the table as well', async () => {
    await world.run(TABLES)
    await world.stream('sums', SUMS)
    await world.stream('ranks', 'select n, count(*) as groups, max(total) as most from sums group by n')
    await world.stream(
      'mixed',
      'select a.id, s.total, r.groups from a join sums s on s.g = a.g left join ranks r on r.n = s.n',
    )
    await world.stream('keyed', 'select g, total from sums where n > 1')
    for (const change of CHANGES) await world.step(change)
  })

  test('differential over immediate: with its exact output delta', async () => {
    await world.run(TABLES)
    const { stableName } = await world.stream('keyed', 'select id, g, v from a where v > 2')
    await world.stream('sums', SUMS)
    const others = {
      of_keyed: 'select g, count(*) as n from keyed group by g',
      of_sums: 'select n, count(*) as groups from sums group by n',
    }
    for (const [name, query] of Object.entries(others))
      await createStreamTable(world.context, { name, query, mode: 'differential' })
    await world.run(
      'insert into a values (300, 1, 9); update a set v = v where id = 300; update a set v = 1 where id = 5',
    )
    const rows = await world.database.query(
      raw(`select id, __w::int as w from ${bufferTable(stableName).text} order by 1, 2`),
    )
    expect(rows).toEqual([
      { id: 5, w: -1 },
      { id: 300, w: 1 },
    ])
    for (const change of CHANGES) {
      await world.run(change)
      for (const name of Object.keys(others)) expect((await refresh(name)).action).not.toBe('full')
      await world.compare()
    }
    await world.step('select 1')
  })

  test('immediate over differential and over full', async () => {
    await world.run(TABLES)
    await createStreamTable(world.context, { name: 'sums', query: SUMS })
    await createStreamTable(world.context, { name: 'sampled', query: 'select id, g from a tablesample system (100)' })
    await world.stream('ranks', 'select n, count(*) as groups from sums group by n')
    await world.stream('mixed', 'select s.id, b.v from sampled s join b on b.g = s.g')
    for (const change of CHANGES) {
      await world.run(change)
      for (const name of ['sums', 'sampled']) await refresh(name)
      await world.compare()
    }
    await world.run('insert into a values (500, 1, 1)')
    await refresh('sums', true)
    await refresh('sampled')
    await world.compare()
  })

  test('a differential one over the same table keeps its capture', async () => {
    await world.run(TABLES)
    await createStreamTable(world.context, { name: 'plain', query: SUMS })
    await world.stream('answer', JOINED)
    expect(await captured()).toEqual(['a trigger'])
    for (const change of CHANGES) {
      await world.run(change)
      await refresh('plain')
      await world.compare()
    }
    expect((await listDefinitions(world.database)).map(nameOf)).toEqual(['public.answer', 'public.plain'])
  })
})
