import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'

/**
 * Who gives way: always Freshet. What it waits for, it waits for in short attempts, so users do not queue up behind it,
 * and the server never finds a deadlock in which a user's statement would be the victim.
 */
const QUERY = 'select o.name, sum(a.balance) as balance from account a join owner o on o.id = a.owner group by o.name'
const OTHER = 'select o.name, a.note, count(*) as accounts from account a join owner o on o.id = a.owner group by 1, 2'

interface Bank extends AsyncDisposable {
  readonly freshet: Freshet
  readonly user: pg.Client
  readonly bystander: pg.Client
  /** Until a backend of Freshet waits for a lock; it must not end before. */
  untilItWaits(operation: Promise<unknown>): Promise<void>
}

async function bank(): Promise<Bank> {
  const test = await createTestDatabase()
  const user = await test.client()
  const bystander = await test.client()
  const observer = await test.client()
  await bystander.query(`set lock_timeout = '10s'`)
  await user.query(`
    create table owner (id int primary key, name text not null);
    create table account (id int primary key, owner int not null, balance int not null, note text);
    insert into owner select i, 'owner ' || i from generate_series(1, 4) as i;
    insert into account select i, 1 + i % 4, 100, 'note' from generate_series(1, 8) as i`)
  const freshet = await connect({ databaseUrl: test.url, applicationName: 'giving way' })
  test.defer(() => freshet.close())
  await freshet.create({ name: 'by_owner', query: QUERY, mode: 'differential', schedule: 'manual' })
  // both sides of the join have changed, so a refresh reads both
  await user.query(
    `update account set balance = balance + 1 where id = 1; update owner set name = 'first' where id = 1`,
  )
  return {
    freshet,
    user,
    bystander,
    async untilItWaits(operation) {
      const ended = { yet: false }
      const end = () => {
        ended.yet = true
      }
      operation.then(end, end)
      for (;;) {
        if (ended.yet) throw new Error('it did not wait')
        const { rowCount } = await observer.query(`
          select from pg_stat_activity where datname = current_database() and application_name = 'giving way'
            and wait_event_type = 'Lock'`)
        if (rowCount !== 0) return
        await sleep(5)
      }
    },
    [Symbol.asyncDispose]: () => test.drop(),
  }
}

async function equal(freshet: Freshet): Promise<void> {
  await freshet.refreshAll()
  for (const { name, query } of await freshet.list()) await assertEqualToQuery(freshet.database, name, query)
}

type Operation = (freshet: Freshet) => Promise<unknown>

const refresh: Operation = (freshet) => freshet.refresh('by_owner')
const alter: Operation = (freshet) => freshet.alter('by_owner', { query: OTHER })
const drop: Operation = (freshet) => freshet.drop('by_owner')

/** `held` by an open transaction, `operation` waits for it, and `bystander` goes on all the same. */
const QUEUES: Readonly<
  Record<string, { readonly held: string; readonly operation: Operation; readonly bystander: string }>
> = {
  'more columns are captured': {
    held: 'update account set balance = balance where id = 1',
    operation: (freshet) => freshet.create({ name: 'other', query: OTHER, schedule: 'manual' }),
    bystander: 'update account set balance = balance where id = 2',
  },
  'capture is resumed': {
    held: 'update account set balance = balance where id = 1',
    operation: async (freshet) => {
      await freshet.pauseCapture({ kind: 'source', name: 'account' })
      await freshet.resumeCapture({ kind: 'source', name: 'account' })
    },
    bystander: 'update account set balance = balance where id = 2',
  },
  'a stream table becomes immediate': {
    held: 'update account set balance = balance where id = 1',
    operation: (freshet) => freshet.alter('by_owner', { mode: 'immediate' }),
    bystander: 'update account set balance = balance where id = 2',
  },
  'a stream table is dropped, and somebody reads it': {
    held: 'select from by_owner',
    operation: drop,
    bystander: 'select from by_owner',
  },
  'a stream table is dropped, and somebody reads its source': {
    held: 'select from account',
    operation: drop,
    bystander: 'update account set balance = balance where id = 2',
  },
  'a query is altered, and somebody reads the stream table': {
    held: 'select from by_owner',
    operation: alter,
    bystander: 'select from by_owner',
  },
  'a stream table is renamed, and somebody reads it': {
    held: 'select from by_owner',
    operation: (freshet) => freshet.alter('by_owner', { rename: 'renamed' }),
    bystander: 'select from by_owner',
  },
  'a refresh meets a locked row of the stream table': {
    held: `select from by_owner where name = 'owner 2' for update`,
    operation: refresh,
    bystander: `select from by_owner where name = 'owner 1' for update`,
  },
}

describe.concurrent('nobody queues up behind Freshet', () => {
  test.each(Object.entries(QUEUES))('%s', async (_, { held, operation, bystander }) => {
    await using world = await bank()
    await world.user.query(`begin; ${held}`)
    const done = operation(world.freshet)
    await world.untilItWaits(done)
    for (let i = 0; i < 3; i++) await world.bystander.query(bystander)
    await world.user.query('commit')
    await done
    await equal(world.freshet)
  })
})

/** Operations that lock two sources in one transaction, each in an order of its own. */
const READERS: Readonly<Record<string, Operation>> = {
  refresh,
  verify: async (freshet) => expect(await freshet.verify('by_owner')).toMatchObject({ equal: true }),
  'refresh in full': (freshet) => freshet.refresh('by_owner', { full: true }),
  create: (freshet) => freshet.create({ name: 'other', query: OTHER, schedule: 'manual' }),
  alter,
}

const DEADLOCKS = Object.entries(READERS).flatMap(([name, operation], i) =>
  LONG || i < 2 ? (['account', 'owner'] as const).map((first) => ({ name, operation, first })) : [],
)

describe.concurrent('a user’s statement is never the victim of a deadlock', () => {
  test.each(DEADLOCKS)('$name, after $first was locked', async ({ operation, first }) => {
    await using world = await bank()
    const second = first === 'account' ? 'owner' : 'account'
    await world.user.query(`begin; alter table ${first} add column added int`)
    const done = operation(world.freshet)
    await world.untilItWaits(done)
    // Whoever waits longer than deadlock_timeout has looked for a deadlock, and does not look again.
    await sleep(1_500)
    await world.user.query(`alter table ${second} add column added int`)
    await world.user.query('commit')
    await done
    await equal(world.freshet)
  })
})

/** To a snapshot from before, a table that was written anew looks empty. */
const REWRITES: Readonly<Record<string, string>> = {
  'a column with a volatile default': 'alter table owner add column added float8 default random()',
  'another type of a column that nobody reads': 'alter table owner alter column remark type varchar(9)',
  'TRUNCATE and new rows': `truncate owner; insert into owner select i, 'owner ' || i % 2 from generate_series(1, 4) as i`,
}

describe.concurrent('a source is written anew while Freshet waits for it', () => {
  test.each(Object.entries(READERS))('%s', async (_, operation) => {
    await using world = await bank()
    await world.user.query(`alter table owner add column remark char(9) default 'nothing'`)
    for (const rewrite of Object.values(REWRITES)) {
      await world.user.query('update account set balance = balance + 1')
      await world.user.query(`begin; ${rewrite}`)
      const done = operation(world.freshet)
      await world.untilItWaits(done)
      await world.user.query('commit')
      await done
      await equal(world.freshet)
      if (operation === READERS['create']) await world.freshet.drop('other')
      if (operation === READERS['alter']) await world.freshet.alter('by_owner', { query: QUERY })
    }
  })
})

test('who waits in vain says so, and changes nothing', async () => {
  await using world = await bank()
  const { id } = await world.freshet.get('by_owner')
  await world.user.query('begin; lock table owner in access exclusive mode')
  await expect(world.freshet.refresher.refresh(id)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', retry: 'retry' })
  await world.user.query('commit')
  await equal(world.freshet)
})
