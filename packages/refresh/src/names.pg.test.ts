import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** Names of every kind: quoted, Unicode, of 63 bytes, reserved words, and those that our own statements use. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const q = (name: string) => `"${name.replaceAll('"', '""')}"`

const NAMES: Readonly<Record<string, readonly [table: string, key: string, value: string, other: string]>> = {
  'capitals and spaces': ['My Table', 'The Key', 'A Value', 'Other'],
  'quotes and signs': ['a"b', `it's`, 'x.y; --', '$1 ${z} %I \\'],
  Unicode: ['таблица', 'schlüssel', '値🙂', 'é'],
  '63 bytes': ['t'.repeat(63), 'k'.repeat(63), 'v'.repeat(63), `${'v'.repeat(62)}w`],
  '63 bytes of Unicode': [`${'ß'.repeat(31)}t`, `${'ß'.repeat(31)}k`, `${'ß'.repeat(31)}v`, `${'ß'.repeat(31)}w`],
  'reserved words': ['select', 'user', 'order', 'group'],
  'our parts': ['state', 'gate', 'go', 'groups'],
  'our parts again': ['changes', 'marks', 'fresh', 'advanced'],
  'our aliases': ['t', 'd', 'f', 'w'],
  'our aliases again': ['l', 'r', 's', 'g'],
  'and the rest of them': ['c', 'a', 'o', 'v'],
  'still more': ['n', 'k', 'i', 'h'],
  'our settings and results': ['one', 'known', 'version', 'pending'],
  'names of functions': ['count', 'sum', 'coalesce', 'row'],
  'what our names become': ['window of x', 'Δ net', 'key', 'argument'],
  'numbered alike': ['column', 'column_2', 'column_2_2', 'column1'],
  'system-like': ['excluded', 'new', 'old', 'values'],
}

test.each(Object.keys(NAMES))('%s', async (label) => {
  const [table, key, value, other] = (NAMES[label] ?? []).map(q)
  const [name] = NAMES[label] ?? ['']
  await world.run(`create table ${table} (${key} int primary key, ${value} int, ${other} text);
    insert into ${table} select i, i % 3, 'o' || i % 2 from generate_series(1, 9) i; create table side as select i as ${value}, 's' || i as ${key} from generate_series(0, 2) i`)
  await world.stream(`kept`, `select * from ${table}`)
  await world.stream('bag', `select ${value}, ${other} from ${table} where ${value} is not null`)
  await world.stream(
    'joined',
    `select a.${key}, b.${key} as ${q(`${name?.slice(0, 20)} 2`)}, a.${other} from ${table} a join side b on a.${value} = b.${value}`,
  )
  await world.stream(
    'grouped',
    `select ${value}, count(*) as ${key}, min(${other}) as ${other}, sum(${key}) as ${q('s 1')} from ${table} group by ${value}`,
  )
  await world.stream(
    'having',
    `select ${other}, max(${key}) as ${key} from ${table} group by ${other} having count(*) > 2`,
  )
  await world.stream('above', `select ${key}, count(*) as ${value} from grouped group by ${key}`)
  await world.step(
    `insert into ${table} values (20, 1, 'o1'), (21, null, null); update ${table} set ${value} = ${value} + 1 where ${key} % 2 = 0`,
    `delete from ${table} where ${key} < 6`,
  )
})

test.each(['quotes and signs', 'Unicode', '63 bytes', 'reserved words', 'our aliases', 'system-like'])(
  'as a stream table in a schema of that name: %s',
  async (label) => {
    const [table, key, value] = NAMES[label] ?? []
    const name = q(table ?? '')
    await world.run(
      `create schema ${q(key ?? '')}; create table t (id int primary key, v int); insert into t values (1, 1), (2, 2)`,
    )
    await world.stream(`${q(key ?? '')}.${name}`, `select id as ${q(key ?? '')}, v as ${q(value ?? '')} from t`)
    await world.stream(
      `${q(key ?? '')}."the sum"`,
      `select sum(${q(value ?? '')}) as ${q(value ?? '')} from ${q(key ?? '')}.${name}`,
    )
    await world.step(`insert into t values (3, 3)`, `update t set v = v + 1`, `delete from t where id = 1`)
    expect(await world.rows(`select * from ${q(key ?? '')}."the sum"`)).toHaveLength(1)
    await world.clear()
    await world.run(`drop schema ${q(key ?? '')} cascade`)
  },
)
