import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { EXIT } from './exit-code.ts'
import { freshetHere } from './process.fixture.ts'

const QUERY = 'select kind, sum(n) as s from items group by kind'

/** A query that takes as long as one likes. */
const TABLES = `
  create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 20) i;
  create function slow(n int) returns int stable language plpgsql as $$ begin perform pg_sleep(600); return n; end $$`

test('a new query that is being filled is shown, and canceled from elsewhere', async () => {
  await using own = await createTestDatabase()
  await own.database.query(raw(TABLES))
  const env = { DATABASE_URL: own.url }
  const done = async (words: readonly string[]) => {
    const ended = await freshetHere(words, env)
    expect(ended, `${words.join(' ')}: ${ended.err}`).toMatchObject({ exitCode: EXIT.done })
    return ended.out
  }
  await done(['create', 'answer', '--query', QUERY, '--schedule', 'manual', '--json'])
  const refused = await freshetHere(['alter', 'answer', '--cancel'], env)
  expect(refused).toMatchObject({ exitCode: EXIT.usage })
  expect(refused.err).toContain('no new query of public.answer is being filled')
  expect((await freshetHere(['alter', 'answer', '--cancel', '--schedule', '1m'], env)).err).toContain(
    '--cancel goes alone',
  )
  expect((await freshetHere(['alter', 'answer', '--rest', '1s'], env)).err).toContain('there is no new query')
  expect((await freshetHere(['alter', 'answer', '--rest', '2m', '--query', QUERY], env)).err).toContain(
    'at most a minute',
  )

  const altering = freshetHere(['alter', 'answer', '--query', 'select id, slow(n) as n from items'], env)
  const asleep = async () => {
    const waiting = raw(`select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`)
    while ((await own.database.query(waiting)).length === 0);
  }
  await Promise.race([
    asleep(),
    altering.then((ended) => {
      throw new Error(`it has ended: ${ended.err}`)
    }),
  ])
  expect(await done(['status'])).toMatch(/public\.answer +active, new query: filling/)
  expect(await done(['status', 'answer'])).toMatch(/new query +filling since .+, [\d.]+ kB/)
  expect(JSON.parse(await done(['status', '--json']))).toMatchObject([
    { name: 'public.answer', query: QUERY, newQuery: { phase: 'filling', running: true, rounds: 0, canceled: false } },
  ])
  expect(await done(['list'])).not.toContain('shadow')
  expect(await done(['alter', 'answer', '--cancel'])).toBe(
    'The new query of answer is canceled; it keeps the one that it has.\n',
  )
  expect(await altering).toMatchObject({ exitCode: EXIT.failed, err: expect.stringContaining('was canceled') })
  expect(JSON.parse(await done(['status', '--json']))).toMatchObject([{ query: QUERY, newQuery: null }])

  const other = 'select kind, max(n) as s from items group by kind'
  expect(await done(['alter', 'answer', '--query', other, '--rest', '100ms'])).toMatch(
    /readers locked out +for [\d.]+ ms/,
  )
  await assertEqualToQuery(own.database, 'answer', other)
  const json = async (words: readonly string[]) => JSON.parse(await done([...words, '--json'])) as { lockedMs: unknown }
  expect((await json(['alter', 'answer', '--schedule', '1m'])).lockedMs).toBeNull()
  expect((await json(['alter', 'answer', '--query', QUERY])).lockedMs).toBeGreaterThan(0)
  await assertEqualToQuery(own.database, 'answer', QUERY)
  await done(['drop', 'answer'])
})
