import { connect } from '@freshet/client'
import { identifier, raw, sql } from '@freshet/core'
import { startScheduler } from '@freshet/scheduler'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from './exit-code.ts'
import { freshetHere } from './process.fixture.ts'
import { run } from './run.ts'
import { paperTerminal } from './terminal.fixture.ts'

/** Every command with names that are hard to quote: as schema, source, column, stream table and new name at once. */
const NAMES = [
  `"; drop table public.x; --`,
  `'; drop table public.x; --`,
  `\\'; drop table public.x; --`,
  `$$; drop table public.x; $freshet$`,
  `é${'ü'.repeat(30)}b`,
  `${'名'.repeat(21)}`,
  `select`,
  `%s %I %% $1 {} \${ENV:HOME}`,
  ` `,
  `a.b"."c`,
  `/* */ -- \t`,
  `CamelCase`,
  `1`,
] as const

let test: TestDatabase
let elsewhere: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
  elsewhere = await createTestDatabase()
  for (const { database } of [test, elsewhere]) await database.query(sql`create table public.x as select 1 as kept`)
})

afterAll(async () => {
  await test.drop()
  await elsewhere.drop()
})

describe.each(NAMES)('%j', (name) => {
  const id = (...parts: string[]) => identifier(...parts).text
  const quoted = `"${name.replaceAll('"', '""')}"`
  const source = `${quoted}.${quoted}`
  // 63 bytes again, where the name has as many
  const streamName = `${[...name].slice(0, -1).join('')}s`
  const stream = `${quoted}."${streamName.replaceAll('"', '""')}"`
  const query = `select ${quoted}, count(*) as c from ${source} group by ${quoted}`

  async function done(words: readonly string[], to = test): Promise<string> {
    const ended = await freshetHere([...words, '--json'], { DATABASE_URL: to.url })
    expect(ended, words.join(' ')).toMatchObject({ exitCode: EXIT.done })
    return ended.out
  }

  it('works in every command, and nothing of it is run', async () => {
    const make = async ({ database }: TestDatabase) => {
      await database.query(
        raw(`create schema ${quoted}; create table ${source} (${quoted} text primary key, n int);
        insert into ${source} select 'k' || i, i from generate_series(1, 9) i`),
      )
    }
    await make(test)
    await make(elsewhere)
    const write = (value: string) => test.database.query(sql`insert into ${raw(source)} values (${value}, 1)`)
    const equal = (to = test) => assertEqualToQuery(to.database, stream, query)

    expect(await done(['explain', '--query', query])).toContain('differential')
    await done(['create', stream, '--query', query, '--mode', 'differential', '--schedule', 'manual'])
    await write('first')
    await done(['refresh', stream])
    await equal()
    for (const command of ['status', 'explain', 'history', 'verify']) await done([command, stream])
    expect(await done(['list'])).toContain(JSON.stringify(streamName).slice(1, -1))
    await done(['pause', stream])
    await done(['resume', stream])
    await done(['pause', '--source', source])
    await write('second')
    await done(['resume', '--source', source])
    await done(['refresh', stream, '--full'])
    await equal()
    await done(['alter', stream, '--schedule', '5s'])
    await done(['alter', stream, '--mode', 'immediate'])
    await write('third')
    await equal()
    await done(['alter', stream, '--mode', 'auto'])
    await done(['alter', stream, '--rename', id('renamed')])
    await done(['alter', `${quoted}.renamed`, '--rename', `"${streamName.replaceAll('"', '""')}"`])
    await done(['alter', stream, '--query', query])
    await test.database.query(raw(`drop trigger freshet_guard on ${stream}`))
    expect(await done(['repair'])).toContain('freshet_guard')
    await done(['refresh', '--all'])
    await done(['doctor'])
    await equal()

    const files = { json: await done(['dump']), sql: await done(['dump', '--format', 'sql']) }
    for (const form of ['json', 'sql']) {
      const { terminal } = paperTerminal({ env: { DATABASE_URL: elsewhere.url }, files })
      const restored = await run(['restore', form], {
        terminal,
        connect: (databaseUrl) => connect({ databaseUrl }),
        startScheduler,
      })
      expect(restored).toBe(EXIT.done)
      await equal(elsewhere)
      if (form === 'json') await done(['drop', stream], elsewhere)
    }
    await done(['drop', stream], elsewhere)
    await elsewhere.database.query(raw(`drop schema ${quoted} cascade`))

    const script = JSON.parse(await done(['roles', '--schema', name, '--prefix', [...name].slice(0, 8).join('')])) as {
      sql: string
    }
    await test.database
      .transaction(async (transaction) => {
        await transaction.query(raw(script.sql))
        const roles = await transaction.query(
          sql`select from pg_roles where starts_with(rolname, ${[...name].slice(0, 8).join('') + '_'})`,
        )
        expect(roles).toHaveLength(4)
        throw new Undo()
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undo)) throw error
      })

    await done(['drop', stream])
    await test.database.query(raw(`drop schema ${quoted} cascade`))
    for (const { database } of [test, elsewhere])
      expect(await database.query(sql`select * from public.x`)).toEqual([{ kept: 1 }])
    const left = await test.database.query(
      raw(`select relname from pg_class where relnamespace = 'freshet_changes'::regnamespace`),
    )
    expect(left).toEqual([])
  })
})

class Undo extends Error {}
