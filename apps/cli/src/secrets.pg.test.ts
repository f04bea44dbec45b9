import { type Database, sql } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { end, firstLine, freshetHere, startFreshet } from './process.fixture.ts'

/** A password is in the database URL and nowhere else: not in answers, errors, logs, metrics, or the database. */
const SECRET = 'pa55-w0rd-of-nobody'

let test: TestDatabase
let url: string

beforeAll(async () => {
  test = await createTestDatabase()
  const role = `${test.name}_secret`
  await test.database.query({ text: `create role ${role} superuser login password '${SECRET}'`, values: [] })
  test.defer(async () => {
    await test.database.query({
      text: `reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`,
      values: [],
    })
  })
  const own = new URL(test.url)
  own.username = role
  own.password = SECRET
  url = own.toString()
  await test.database.query(sql`create table items (id int primary key, n int)`)
})
afterAll(() => test.drop())

const bad: readonly (readonly [what: string, change: (url: URL) => string])[] = [
  ['a wrong role', (own) => ((own.username = 'nobody_at_all'), own.toString())],
  ['a wrong password', (own) => ((own.password = `${SECRET}-wrong`), own.toString())],
  ['no such database', (own) => ((own.pathname = '/nowhere'), own.toString())],
  ['nobody answers', (own) => ((own.port = '1'), own.toString())],
  ['an unknown host', (own) => ((own.hostname = 'nowhere.invalid'), own.toString())],
  ['TLS that the server does not offer', (own) => `${own.toString()}?sslmode=verify-full`],
  ['a certificate that is not there', (own) => `${own.toString()}?sslmode=verify-full&sslrootcert=/nowhere/ca.pem`],
  ['a port that is none', (own) => own.toString().replace(/:\d+\//, ':port/')],
  ['another scheme', (own) => own.toString().replace('postgresql:', 'mysql:')],
  ['the password as a parameter', (own) => `postgresql://nobody_at_all@${own.host}/x?password=${SECRET}`],
  ['a broken escape', (own) => own.toString().replace(SECRET, `%zz${SECRET}`)],
]

describe('a URL that does not work:', () => {
  it.each(bad)('%s', async (_, change) => {
    const broken = change(new URL(url))
    for (const words of [
      ['list'],
      ['doctor'],
      ['init'],
      ['dump'],
      ['repair'],
      ['top'],
      ['serve', '--port', '0'],
      ['pause', '--capture'],
      ['explain', '--query', 'select 1 as a'],
    ])
      for (const more of [[], ['--json'], ['--database-url', broken]]) {
        const ended = await freshetHere([...words, ...more], { DATABASE_URL: broken })
        expect(ended.exitCode, words.join(' ')).not.toBe(0)
        expect(ended.err).toMatch(/./)
        expect(`${ended.out}${ended.err}`, words.join(' ')).not.toContain(SECRET)
      }
  })
})

it('answers of every command hold no secret, and nothing of it is stored', async () => {
  const told: string[] = []
  for (const words of [
    ['create', 'sums', '--query', 'select n % 3 as k, count(*) as c from items group by 1'],
    ['list'],
    ['status'],
    ['status', 'sums'],
    ['doctor'],
    ['history'],
    ['explain', 'sums'],
    ['explain', 'sums', '--format', 'sql'],
    ['refresh', 'sums'],
    ['verify', 'sums'],
    ['dump'],
    ['repair'],
    ['roles'],
    ['pause', '--capture'],
    ['resume', '--capture'],
    ['create', 'broken', '--query', 'select nothing'],
  ])
    for (const more of [[], ['--json']]) {
      const ended = await freshetHere([...words, ...more], { DATABASE_URL: url })
      told.push(ended.out, ended.err)
    }
  expect(told.join('\n')).toContain('sums')
  expect(told.join('\n')).not.toContain(SECRET)
  expect(JSON.stringify(await stored(test.database))).not.toContain(SECRET)
})

it('a scheduler: its log, metrics, and dashboard, also while the server refuses it', async () => {
  const child = startFreshet(['serve', '--port', '0', '--json'], { DATABASE_URL: url })
  const log = child.stderr ? text(child.stderr) : Promise.resolve('')
  let served = ''
  try {
    const base = (JSON.parse(await firstLine(child)) as { url: string }).url
    await expect.poll(async () => (await fetch(new URL('/health', base))).status, { timeout: 20_000 }).toBe(200)
    await test.database.query(sql`insert into items select i, i from generate_series(1, 9) i`)
    await test.database.query({
      text: `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${test.name}_secret'`,
      values: [],
    })
    for (const path of ['/metrics', '/health', '/', '/api/status', '/api/tables'])
      // a connection of its own each: one that is kept is closed by the server after a while, perhaps at this moment
      served += await (await fetch(new URL(path, base), { headers: { connection: 'close' } })).text()
  } finally {
    await end(child)
  }
  expect(served).toContain('freshet_')
  const written = await log
  expect(written).toMatch(/./)
  expect(`${served}${written}`).not.toContain(SECRET)
})

async function stored(database: Database): Promise<unknown> {
  return [
    await database.query(sql`select to_jsonb(t) from freshet.stream_table t`),
    await database.query(sql`select to_jsonb(s) from freshet.stream_table_state s`),
    await database.query(sql`select to_jsonb(h) from freshet.refresh_history h`),
    await database.query(sql`select to_jsonb(i) from freshet.installation i`),
    await database.query(sql`select query, application_name from pg_stat_activity`),
  ]
}
