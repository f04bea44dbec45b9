import { sql } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '@freshet/client'
import { startScheduler } from '@freshet/scheduler'
import { EXIT } from './exit-code.ts'
import { run } from './run.ts'
import { paperTerminal } from './terminal.fixture.ts'
import { end, firstLine, freshet, freshetHere, startFreshet } from './process.fixture.ts'

/** The commands at work, one after the other as a user would give them. */

let test: TestDatabase
let env: Record<string, string>

beforeAll(async () => {
  test = await createTestDatabase({ migrated: false })
  env = { DATABASE_URL: test.url }
  await test.database.query(sql`create schema sales`)
  await test.database.query(sql`create table sales.orders (id int primary key, customer text, amount numeric(10, 2))`)
  await test.database.query(sql`insert into sales.orders select n, 'c' || n % 7, n from generate_series(1, 700) n`)
})

afterAll(() => test.drop())

const TOTALS = 'select customer, count(*) as orders, sum(amount) as total from sales.orders group by customer'

async function json(words: readonly string[], exitCode: number = EXIT.done): Promise<unknown> {
  const ended = await freshetHere([...words, '--json'], env)
  expect(ended).toMatchObject({ exitCode, err: '' })
  expect(ended.out.trimEnd().split('\n')).toHaveLength(1)
  return JSON.parse(ended.out)
}

async function human(words: readonly string[], exitCode: number = EXIT.done): Promise<string> {
  const ended = await freshetHere(words, env)
  expect(ended).toMatchObject({ exitCode, err: '' })
  return ended.out
}

const STREAM_TABLE_KEYS = [
  'id',
  'schema',
  'table',
  'name',
  'query',
  'mode',
  'effectiveMode',
  'modeReason',
  'schedule',
  'storage',
  'keyColumns',
  'status',
  'statusReason',
  'sources',
  'refreshedAt',
  'gated',
  'decision',
]

describe('a stream table from the command line', () => {
  it('init prepares the database, and again does nothing', async () => {
    expect(await json(['init'])).toMatchObject({ applied: expect.arrayContaining([expect.any(String)]) as [] })
    expect(await json(['init'])).toMatchObject({ applied: [] })
    expect(await human(['init'])).toContain('The schema is current')
  })

  it('create makes and fills it, with progress beside the answer', async () => {
    const made = await freshet(['create', 'sales."Order Totals"', '--query', TOTALS, '--schedule', '1s'], env)
    expect(made.exitCode).toBe(EXIT.done)
    expect(made.out).toContain('sales."Order Totals"')
    expect(made.err).toMatch(/^(resolve|capture|fill|index): /m)
    const [row] = await test.database.query<{ n: string }>(sql`select count(*) as n from sales."Order Totals"`)
    expect(row?.n).toBe('7')
  })

  it('create takes the query from standard input, and answers in JSON alone', async () => {
    const words = ['create', 'big', '--query-file', '-', '--mode', 'differential', '--schedule', 'manual', '--json']
    const made = await freshet(words, env, 'select id, amount from sales.orders where amount > 600\n')
    expect(made).toMatchObject({ exitCode: EXIT.done, err: '' })
    const document = JSON.parse(made.out) as object
    expect(Object.keys(document)).toEqual(expect.arrayContaining(STREAM_TABLE_KEYS))
    expect(document).toMatchObject({ name: 'public.big', mode: 'differential', schedule: 'manual', modeReason: null })
  })

  it('create says why a query is recomputed', async () => {
    const query = 'select id from sales.orders tablesample bernoulli (100) repeatable (1)'
    const made = await freshet(['create', 'ranks', '--query', query, '--schedule', 'manual'], env)
    expect(made.exitCode).toBe(EXIT.done)
    expect(made.err).toMatch(/notice [A-Z_]+: public\.ranks is refreshed in full: ./)
    expect(made.err).toMatch(/hint: ./)
    const told = await freshet(['create', 'other', '--query', query, '--mode', 'differential', '--json'], env)
    expect(told.exitCode).toBe(EXIT.failed)
    expect(JSON.parse(told.err)).toMatchObject({ code: 'NOT_DIFFERENTIABLE' })
  })

  it('an immediate one is kept by its writers, and can become another', async () => {
    await test.database.query(sql`create table sales.visits (id int primary key, customer text, amount numeric(10, 2))`)
    const made = await freshet(
      ['create', 'now', '--query', TOTALS.replace('sales.orders', 'sales.visits'), '--mode', 'immediate', '--json'],
      env,
    )
    expect(JSON.parse(made.out)).toMatchObject({
      mode: 'immediate',
      effectiveMode: 'immediate',
      sources: [{ name: 'sales.visits' }],
    })
    await test.database.query(sql`insert into sales.visits values (5000, 'at once', 1)`)
    expect(await test.database.query(sql`select total::text from now where customer = 'at once'`)).toEqual([
      { total: '1.00' },
    ])
    expect(await json(['refresh', 'now'])).toMatchObject([{ action: 'none' }])
    expect(await json(['refresh', 'now', '--full'])).toMatchObject([{ action: 'full', rowsInserted: 0 }])
    expect(await json(['verify', 'now'])).toMatchObject([{ equal: true }])
    expect(await json(['status', 'now'])).toMatchObject([{ pendingChanges: 0, effectiveMode: 'immediate' }])
    expect(await human(['explain', 'now'])).toContain("in its writers' transactions")
    expect(await human(['history', 'now'])).toContain('REQUESTED')
    expect(await json(['alter', 'now', '--mode', 'differential'])).toMatchObject({ effectiveMode: 'differential' })
    await test.database.query(sql`delete from sales.visits where id = 5000`)
    expect(await json(['refresh', 'now'])).toMatchObject([{ action: 'differential', rowsDeleted: 1 }])
    const refused = await freshet(
      ['create', 'never', '--query', 'select now() as t', '--mode', 'immediate', '--json'],
      env,
    )
    expect(JSON.parse(refused.err)).toMatchObject({ code: 'NOT_IMMEDIATE' })
    await json(['drop', 'now'])
  })

  it('list shows them', async () => {
    const tables = await json(['list'])
    expect(tables).toMatchObject([{ name: 'public.big' }, { name: 'public.ranks' }, { name: 'sales."Order Totals"' }])
    for (const table of tables as object[])
      expect(Object.keys(table)).toEqual(expect.arrayContaining(STREAM_TABLE_KEYS))
    expect((await human(['list'])).split('\n')[0]).toMatch(/^STREAM TABLE +STATUS +MODE/)
  })

  it('refresh brings changes, and says how many', async () => {
    await test.database.query(sql`insert into sales.orders values (1001, 'c1', 1000), (1002, 'new', 1)`)
    expect(await json(['status', 'sales."Order Totals"'])).toMatchObject([{ pendingChanges: 2 }])
    expect(await human(['status'])).toMatch(/old/)
    expect(await json(['refresh', 'sales."Order Totals"'])).toMatchObject([
      { name: 'sales."Order Totals"', action: 'differential', changeRows: 2 },
    ])
    expect(await json(['refresh', '--all', '--full'])).toHaveLength(3)
    expect(await json(['refresh', 'big'])).toMatchObject([{ name: 'big', action: 'none' }])
    expect(await human(['refresh', 'big'])).toContain('nothing to do')
  })

  it('of several, one that fails does not keep the others from their turn', async () => {
    await test.database.query(sql`insert into sales.orders values (1003, 'c1', 999)`)
    const ended = await freshet(['refresh', 'nowhere', 'big', '--json'], env)
    expect(ended.exitCode).toBe(EXIT.failed)
    expect(JSON.parse(ended.out)).toMatchObject([
      { name: 'nowhere', error: { code: 'UNKNOWN_STREAM_TABLE' } },
      { name: 'big', action: 'differential' },
    ])
  })

  it('status tells all about one', async () => {
    expect(await human(['status', 'big'])).toMatch(
      /^stream table +public\.big\n(.|\n)*freshness +fresh(.|\n)*select id, amount/,
    )
  })

  it('history tells what happened, newest first', async () => {
    const entries = (await json(['history', 'big', '--limit', '2'])) as { name: string; startedAt: string }[]
    expect(entries).toHaveLength(2)
    expect(entries[0]).toMatchObject({ name: 'public.big', initiatedBy: 'manual' })
    expect(Date.parse(entries[0]?.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(entries[1]?.startedAt ?? ''))
    expect(await human(['history'])).toMatch(/initial/)
  })

  it('explain shows the plan in every format', async () => {
    expect(await human(['explain', 'sales."Order Totals"'])).toMatch(/maintained +by deltas/)
    expect(await human(['explain', 'big', '--format', 'dot'])).toMatch(/^digraph/)
    expect(await human(['explain', 'big', '--format', 'sql'])).toMatch(/^-- \w+\n(.|\n)*;\n$/)
    expect(JSON.parse(await human(['explain', 'big', '--format', 'json']))).toMatchObject({ name: 'public.big' })
    expect(await json(['explain', '--query', 'select distinct customer from sales.orders'])).toMatchObject({
      name: null,
    })
  })

  it('alter changes schedule, name and query', async () => {
    expect(await json(['alter', 'big', '--schedule', '2s', '--rename', 'large'])).toMatchObject({
      name: 'public.large',
      schedule: '2s',
    })
    const query = 'select id, amount, customer from sales.orders where amount > 650'
    expect(await json(['alter', 'large', '--query', query])).toMatchObject({ query })
    expect(await json(['verify', 'large'])).toMatchObject([{ equal: true }])
  })

  it('pause and resume', async () => {
    expect(await json(['pause', 'large'])).toMatchObject({ status: 'paused' })
    expect(await json(['resume', 'large'])).toMatchObject({ status: 'active' })
    expect(await human(['pause', 'large'])).toBe('Paused public.large.\n')
    expect(await human(['resume', 'large'])).toBe('Resumed public.large.\n')
  })

  it('pause and resume the capture of a source, of all, and everything', async () => {
    expect(await json(['pause', '--source', 'sales.orders'])).toEqual({ paused: ['sales.orders'] })
    expect(await human(['doctor'])).toContain('freshet resume --source sales.orders')
    expect(await human(['status', 'large'])).toContain('capture paused')
    expect(await human(['resume', '--source', 'sales.orders'])).toContain('Resumed the capture of sales.orders.')
    for (const gate of ['--capture', '--everything']) {
      expect(await json(['pause', gate])).toEqual({ paused: ['sales.orders'] })
      expect(await human(['pause', gate])).toBe('Paused; there was no capture to stop.\n')
      expect(await human(['doctor'])).toContain(`freshet resume ${gate}`)
      expect(await json(['resume', gate])).toEqual({ resumed: ['sales.orders'] })
    }
    for (const words of [
      ['pause'],
      ['resume'],
      ['pause', 'large', '--capture'],
      ['resume', '--source', 'a', '--everything'],
    ])
      expect(await freshetHere(words, env)).toMatchObject({ exitCode: EXIT.usage, out: '' })
    await human(['refresh', '--all'])
  })

  it('repair says what was missing', async () => {
    expect(await human(['repair'])).toBe('Nothing was missing.\n')
    await test.database.query(sql`drop trigger freshet_guard on large`)
    expect(await human(['doctor'], EXIT.failed)).toContain('freshet repair')
    expect(await json(['repair'])).toEqual({
      repaired: [{ subject: 'public.large', message: 'its trigger freshet_guard was missing or disabled' }],
      failed: [],
    })
    expect(await json(['refresh', 'large'])).toMatchObject([{ action: 'full', reason: 'REPAIRED' }])
  })

  it('dump prints a document that restore reads', async () => {
    const document = await human(['dump'])
    expect(JSON.parse(document)).toMatchObject({ format: 'freshet dump 1' })
    const files = {
      'shop.json': document,
      'other.json': document.replaceAll('"query": "select', '"query": "select 1,'),
      'odd.json': '{}',
    }
    const restore = async (file: string, more: readonly string[] = []) => {
      const { terminal, written } = paperTerminal({ env, files })
      const exitCode = await run(['restore', file, ...more], {
        terminal,
        connect: (databaseUrl) => connect({ databaseUrl }),
        startScheduler,
      })
      return { exitCode, ...written }
    }
    expect(await restore('shop.json')).toMatchObject({
      exitCode: EXIT.done,
      out: expect.stringContaining('kept public.large') as string,
    })
    expect(await restore('other.json', ['--json'])).toMatchObject({
      exitCode: EXIT.failed,
      out: expect.stringContaining('DUPLICATE_NAME') as string,
    })
    expect(await restore('odd.json')).toMatchObject({
      exitCode: EXIT.failed,
      err: expect.stringContaining('INVALID_DUMP') as string,
    })
    expect(await restore('none.json')).toMatchObject({ exitCode: EXIT.usage })
  })

  it('verify compares, and exits with 3 on a difference', async () => {
    expect(await human(['verify', '--all'])).toMatch(/^= .*equal/)
    await test.database.transaction(async (transaction) => {
      await transaction.query(sql`select set_config('freshet.apply', 'on', true)`)
      await transaction.query(sql`update sales."Order Totals" set total = -1 where customer = 'c1'`)
    })
    const report = await json(['verify', 'sales."Order Totals"', 'large'], EXIT.different)
    expect(report).toMatchObject([
      { equal: false, extra: 1, missing: 1, samples: [expect.anything(), expect.anything()] },
      { equal: true },
    ])
    const shown = await human(['verify', '--all'], EXIT.different)
    expect(shown).toMatch(/≠ .*Order Totals.* 1 only in the table, 1 only in the query\n {2}(table|query) {2}.*-?\d/)
    await json(['refresh', 'sales."Order Totals"', '--full'])
    await json(['verify', 'sales."Order Totals"'])
  })

  it('doctor finds nothing wrong', async () => {
    const findings = (await json(['doctor'])) as { level: string }[]
    expect(findings.length).toBeGreaterThan(0)
    expect(findings.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('top measures one second for a script', async () => {
    expect(await json(['top'])).toMatchObject({ tables: expect.any(Array) as [], rates: expect.any(Object) as object })
  })

  it('drop removes it', async () => {
    expect(await json(['drop', 'large'])).toEqual({ dropped: ['public.large'] })
    expect(await human(['drop', 'ranks'])).toBe('Dropped public.ranks.\n')
    expect(await json(['list'])).toHaveLength(1)
  })
})

describe('the process', () => {
  it.each([
    [EXIT.done, ['list', '--json'], 'out'],
    [EXIT.failed, ['drop', 'nowhere', '--json'], 'err'],
    [EXIT.usage, ['drop', '--json'], 'err'],
  ] as const)('exits with %d, and writes on one side only', async (exitCode, words, side) => {
    const ended = await freshet(words, env)
    expect(ended.exitCode).toBe(exitCode)
    expect(JSON.parse(ended[side])).toBeTypeOf('object')
    expect(ended[side === 'out' ? 'err' : 'out']).toBe('')
  })

  it('exits with 3 on a difference', async () => {
    const forge = (total: string) =>
      test.database.transaction(async (transaction) => {
        await transaction.query(sql`select set_config('freshet.apply', 'on', true)`)
        await transaction.query(sql`update sales."Order Totals" set total = total + ${total}::numeric`)
      })
    await forge('1')
    expect((await freshet(['verify', '--all'], env)).exitCode).toBe(EXIT.different)
    await forge('-1')
    expect((await freshet(['verify', '--all'], env)).exitCode).toBe(EXIT.done)
  })
})

describe('serve', () => {
  it('keeps stream tables fresh, answers, and drains on SIGTERM', async () => {
    await json(['create', 'live_totals', '--query', TOTALS])
    const child = startFreshet(['serve', '--port', '0', '--json'], env)
    try {
      const { url } = JSON.parse(await firstLine(child)) as { url: string }
      // it answers before its first poll, and is ready after it
      await expect.poll(async () => (await fetch(new URL('/health', url))).status, { timeout: 20_000 }).toBe(200)
      await test.database.query(sql`insert into sales.orders values (2000, 'served', 5)`)
      await expect
        .poll(() => test.database.query(sql`select total from live_totals where customer = 'served'`), {
          timeout: 20_000,
        })
        .toEqual([{ total: '5.00' }])
      expect(await end(child, 'SIGTERM')).toBe(0)
    } finally {
      await end(child, 'SIGKILL')
    }
    expect(await json(['verify', '--all'])).toMatchObject([{ equal: true }, { equal: true }])
  })

  it('says when its port is taken', async () => {
    const first = startFreshet(['serve', '--port', '0', '--json'], env)
    try {
      const { port } = new URL((JSON.parse(await firstLine(first)) as { url: string }).url)
      const ended = await freshet(['serve', '--port', port, '--json'], env)
      expect(ended.exitCode).not.toBe(0)
      expect(JSON.parse(ended.err.trim().split('\n').at(-1) ?? '')).toMatchObject({
        code: expect.any(String) as string,
      })
    } finally {
      await end(first)
    }
  })
})

describe('capture by WAL', () => {
  const slots = () => test.database.query(sql`select active from pg_replication_slots where database = ${test.name}`)

  it('create --cdc wal; a refresh by command reads the stream itself; drop takes the slot along', async () => {
    await test.database.query(
      sql`create table sales.returns (id int primary key, customer text, amount numeric(10, 2))`,
    )
    const query = 'select r.customer, sum(r.amount) as returned from sales.returns r group by r.customer'
    await json(['create', 'returned', '--query', query, '--cdc', 'wal', '--schedule', 'manual'])
    expect(await slots()).toEqual([{ active: false }])
    expect(await human(['doctor'])).toContain('nobody reads the stream of changes')
    await test.database.query(sql`insert into sales.returns values (1, 'c1', 5.10)`)
    expect(await json(['refresh', 'returned'])).toMatchObject([{ action: 'differential', changeRows: 1 }])
    expect(await json(['verify', 'returned'])).toMatchObject([{ equal: true, rows: 1 }])
    expect(await json(['status', 'returned'])).toMatchObject([
      { pendingChanges: 0, sources: [{ name: 'sales.returns', capture: 'wal' }] },
    ])
    const slotLine =
      /captured by WAL: sales\.returns\nslot freshet_\w+_1: read by nobody, .* behind, .* of the log kept/
    expect(await human(['status', 'returned'])).toMatch(slotLine)
    expect(await human(['status'])).toMatch(slotLine)
    expect(await json(['alter', 'returned', '--cdc', 'trigger'])).toMatchObject({ sources: [{ capture: 'trigger' }] })
    expect(await slots()).toEqual([])
    expect(await human(['status'])).not.toContain('WAL')
    await test.database.query(sql`insert into sales.returns values (2, 'c1', 1)`)
    await json(['alter', 'returned', '--cdc', 'wal'])
    await test.database.query(sql`insert into sales.returns values (3, 'c2', 2)`)
    await json(['refresh', 'returned'])
    expect(await json(['verify', 'returned'])).toMatchObject([{ equal: true, rows: 2 }])
    const refused = await freshetHere(['alter', 'returned', '--mode', 'immediate', '--cdc', 'wal'], env)
    expect(refused.err).toContain('are not captured for it')
    await json(['drop', 'returned'])
    expect(await slots()).toEqual([])
  })

  it('says what --cdc takes', async () => {
    const ended = await freshetHere(['create', 'x', '--query', 'select 1', '--cdc', 'magic'], env)
    expect(ended.exitCode).toBe(EXIT.usage)
    expect(ended.err).toContain('trigger, wal, auto')
  })
})
