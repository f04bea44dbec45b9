import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChangeEvent } from '../event.ts'
import { streamTableBeginning, streamTableSource } from './stream-table-source.ts'

let own: TestDatabase
let freshet: Freshet
beforeAll(async () => {
  own = await createTestDatabase()
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await run(`create table sales (id int primary key, shop int not null, amount numeric, at timestamptz)`)
})
afterAll(() => own.drop())

const run = async (script: string) => void (await own.database.query(raw(script)))

interface Taken {
  readonly changes: readonly ChangeEvent[]
  /** Of every page. */
  readonly positions: readonly (string | null)[]
}

async function take(name: string, position: string, rows: number, pages: (taken: Taken) => boolean): Promise<Taken> {
  const source = await streamTableSource(freshet, name, { rows, bytes: 1_000_000 })
  const ending = new AbortController()
  const changes: ChangeEvent[] = []
  const positions: (string | null)[] = []
  for await (const page of source.pages(position, ending.signal)) {
    for (const event of page.events) if (event.kind === 'change') changes.push(event)
    positions.push(page.position)
    if (pages({ changes, positions })) break
  }
  ending.abort()
  return { changes, positions }
}

const lastOf = ({ positions }: Taken) => positions.filter((position) => position !== null).at(-1) ?? ''
const shown = ({ changes }: Taken) =>
  changes.map(({ op, key, before, after }) => ({ op, key, before: before?.json, after: after?.json }))

test('rows, and then changes by key, with every digit; a window that is read again is the same', async () => {
  await run(
    `insert into sales values (1, 1, 12345678901234567890.10, '2026-01-02 03:04:05.678901+00'), (2, 2, 2, null)`,
  )
  await freshet.create({
    name: 'totals',
    query: 'select shop, sum(amount) as total, max(at) as at from sales group by shop',
    schedule: 'manual',
  })
  const rows = await take('totals', streamTableBeginning('snapshot'), 1, ({ positions }) => positions.at(-1) !== null)
  expect(rows.positions.slice(0, -1).every((position) => position === null)).toBe(true)
  expect(shown(rows).sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))).toEqual([
    {
      op: 'read',
      key: '{"shop":1}',
      before: undefined,
      after: expect.stringMatching(/"total":12345678901234567890.10,"at":"2026-01-02T03:04:05.678901/),
    },
    { op: 'read', key: '{"shop":2}', before: undefined, after: '{"shop":2,"total":2,"at":null}' },
  ])

  await run(
    `delete from sales where shop = 2; update sales set amount = 7 where id = 1; insert into sales values (3, 3, 3, null), (4, 4, 4, null)`,
  )
  await freshet.refresh('totals')
  const whole = await take('totals', lastOf(rows), 2, ({ changes }) => changes.length >= 4)
  expect(shown(whole)).toMatchObject([
    { op: 'update', key: '{"shop":1}' },
    { op: 'delete', key: '{"shop":2}', after: undefined },
    { op: 'insert', key: '{"shop":3}', before: undefined },
    { op: 'insert', key: '{"shop":4}' },
  ])

  // where the window ends was told before any of it; read again after more has come, it is the same window
  const [planned = null] = whole.positions
  await run(`delete from sales where shop = 3; insert into sales values (5, 5, 5, null)`)
  await freshet.refresh('totals')
  const again = await take('totals', planned ?? '', 2, ({ changes }) => changes.length >= 6)
  expect(again.changes.slice(0, 4).map(({ id }) => id)).toEqual(whole.changes.map(({ id }) => id))
  expect(shown(again).slice(4)).toMatchObject([
    { op: 'delete', key: '{"shop":3}' },
    { op: 'insert', key: '{"shop":5}' },
  ])
  expect(new Set(again.changes.map(({ id }) => id)).size).toBe(6)
})

test('an update whose halves lie in two pages is one', async () => {
  await run(`create table wide (id int primary key, n int); insert into wide select i, 0 from generate_series(1, 7) i`)
  await freshet.create({ name: 'copy', query: 'select id, n from wide', schedule: 'manual' })
  const rows = await take('copy', streamTableBeginning('snapshot'), 3, ({ positions }) => positions.at(-1) !== null)
  await run(`delete from wide where id = 1; update wide set n = id`)
  await freshet.refresh('copy')
  const { changes } = await take('copy', lastOf(rows), 2, (taken) => taken.changes.length >= 7)
  expect(changes.map(({ op, key }) => `${op} ${key}`)).toEqual([
    'delete {"id":1}',
    ...[2, 3, 4, 5, 6, 7].map((id) => `update {"id":${id}}`),
  ])
})

test('who begins now has what changes from then on, also after stopping before anything came', async () => {
  await run(`create table quiet (id int primary key); insert into quiet values (1)`)
  await freshet.create({ name: 'still', query: 'select id from quiet', schedule: 'manual' })
  const begun = await take('still', streamTableBeginning('now'), 3, () => true)
  expect(begun).toMatchObject({ changes: [], positions: [expect.any(String)] })
  await run(`insert into quiet values (2)`)
  await freshet.refresh('still')
  const { changes } = await take('still', lastOf(begun), 3, (taken) => taken.changes.length > 0)
  expect(changes).toMatchObject([{ op: 'insert', key: '{"id":2}' }])
})

test('a table without a key is refused', async () => {
  await freshet.create({ name: 'bag', query: 'select shop % 2 as half from sales', schedule: 'manual' })
  await expect(take('bag', streamTableBeginning('snapshot'), 10, () => true)).rejects.toMatchObject({ code: 'USAGE' })
})
