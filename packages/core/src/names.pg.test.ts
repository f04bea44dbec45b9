import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from './database.ts'
import { canon, parseName, stableName } from './names.ts'
import { identifier, quoteIdentifier, quoteLiteral, raw, sql } from './sql.ts'

let created: TestDatabase
let database: Database
beforeAll(async () => {
  created = await createTestDatabase()
  database = created.database
})
afterAll(() => created.drop())

const special = [
  'Orders',
  'select',
  'a"b',
  'a.b',
  "it's",
  'ä',
  '表',
  '😀',
  'A',
  'z_$9',
  'x'.repeat(63),
  'ß'.repeat(31),
  ' ',
  '\\',
  'a\nb',
  'a\n',
]
const anyName = fc
  .oneof(
    fc.constantFrom(...special),
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 15 }),
    fc.stringMatching(/^[a-z_][a-z0-9_$]{0,62}$/),
  )
  .filter((name) => !name.includes('\0'))

test('SQL and TypeScript compute the same canonical forms and stable names', async () => {
  const pairs = fc.sample(fc.tuple(anyName, anyName), 2_000)
  const rows = await database.query<{ canon: string; name: string }>(sql`
    select freshet.canon(t) as canon, freshet.stable_name(s, t) as name
    from unnest(${pairs.map(([schema]) => schema)}::text[], ${pairs.map(([, table]) => table)}::text[]) as pair(s, t)`)
  expect(rows).toEqual(pairs.map(([schema, table]) => ({ canon: canon(table), name: stableName(schema, table) })))
})

test('parseName reads names as PostgreSQL does', async () => {
  for (const text of [
    'orders',
    'Public.ORDERS',
    '"Public"."a.b"',
    '"say ""hi"""',
    ' s . "T" ',
    'Ärger.straße',
    'x1$.表',
  ]) {
    const [row] = await database.query<{ parts: string[] }>(sql`select parse_ident(${text}) as parts`)
    const { schema, table } = parseName(text)
    expect(schema === null ? [table] : [schema, table], text).toEqual(row?.parts)
  }
})

test('every keyword that this server may mistake is quoted', async () => {
  const words = await database.query<{ word: string }>(raw(`select word from pg_get_keywords() where catcode <> 'U'`))
  expect(words.length).toBeGreaterThan(100)
  expect(words.map((row) => row.word).filter((word) => quoteIdentifier(word) === word)).toEqual([])
})

test('a quoted identifier and a quoted literal mean what they quote, whatever the server’s settings', async () => {
  for (const conforming of ['on', 'off']) {
    await database.session(async (session) => {
      await session.query(raw(`set standard_conforming_strings = ${conforming}; set escape_string_warning = off`))
      for (const text of special) {
        const rows = await session.query(sql`select ${raw(quoteLiteral(text))} as ${identifier(text)}`)
        expect(rows).toEqual([{ [text]: text }])
      }
      await session.query(raw('reset all'))
    })
  }
})

test('every plain word works bare as a table, an alias and a column', async () => {
  const words = await database.query<{ word: string }>(raw('select word from pg_get_keywords()'))
  await database.transaction(async (transaction) => {
    for (const { word } of words) {
      const name = identifier(word)
      await transaction.query(sql`create temporary table ${name} (${name} int) on commit drop`)
      const used = sql`select ${name}.${name} as ${name} from ${name} as ${name} order by ${name}`
      expect(await transaction.query(used), word).toEqual([])
    }
  })
})
