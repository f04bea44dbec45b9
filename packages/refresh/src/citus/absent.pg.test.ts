import { readCitusVersion } from '@freshet/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStreamTable } from '../create.ts'
import { examine } from '../doctor.ts'
import { createRefresher } from '../refresher.ts'
import { recorded } from '../statements.fixture.ts'
import { statusOf } from '../status.ts'
import { createWorld, type World } from '../world.fixture.ts'
import { citusStatus } from './status.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
})

afterAll(async () => world.own.drop())

/** Of what was sent, what asks for Citus and nothing else. What reads a source's facts asks for it, too: no round trip of its own. */
const asking = (sent: readonly string[]) =>
  sent.filter((text) => /extname = 'citus'|pg_dist_|citus\./.test(text) && !text.includes('with recursive source as'))

test('where Citus is absent, it is asked for once when a query is planned, beside what is asked of each source anyway', async () => {
  await world.run('create table a (id int primary key, v int); create table b (id int primary key, v int)')
  const { database, sent } = recorded(world.database)
  await createStreamTable(
    { ...world.context, database },
    { name: 'joined', query: 'select a.id, a.v, b.v as other from a join b using (id)' },
  )
  expect(sent.length).toBeGreaterThan(10)
  expect(asking(sent)).toEqual([
    `select (select extversion from pg_catalog.pg_extension where extname = 'citus') as citus`,
  ])
})

test('a refresh and the status ask for nothing', async () => {
  const { database, sent } = recorded(world.database)
  const [table] = await statusOf(database)
  await world.run('insert into a values (1, 1); insert into b values (1, 2)')
  const outcome = await createRefresher({ ...world.context, database }).refresh(table?.id ?? 0)
  expect(outcome).toMatchObject({ action: 'differential', rowsInserted: 1 })
  expect(sent.length).toBeGreaterThan(1)
  expect(asking(sent)).toEqual([])
})

test('citus_status has no rows, and is one statement', async () => {
  const { database, sent } = recorded(world.database)
  expect(await citusStatus(database)).toEqual([])
  expect(sent).toHaveLength(1)
})

test('the doctor has nothing to say of it', async () => {
  expect(await readCitusVersion(world.database)).toBeNull()
  const findings = await examine(world.context)
  expect(findings.filter(({ subject }) => subject === 'citus')).toEqual([])
  await world.clear()
})
