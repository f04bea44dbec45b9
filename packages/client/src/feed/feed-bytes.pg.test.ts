import { raw } from '@freshet/core'
import { createTestDatabase, freshSeed, random } from '@freshet/testkit'
import { expect, onTestFailed, test } from 'vitest'
import { connect } from '../connect.ts'
import type { FeedPage, JsonRow } from './feed.ts'

/** Pages of a bounded size: the table, a window of many pages, and one of few. */
test('no page has more bytes than it may, or it is one row; all rows come, in their order', async () => {
  const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
  onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
  const dice = random(seed)
  const own = await createTestDatabase()
  try {
    const { database } = own
    const freshet = await connect(own.url)
    own.defer(() => freshet.close())
    await database.query(raw('create table notes (id int primary key, version int not null, filling text)'))
    const lengths = Array.from({ length: 600 }, () =>
      dice.weighted([
        [80, dice.int(0, 200)],
        [19, dice.int(200, 4_000)],
        [1, 30_000],
      ]),
    )
    await database.query(
      raw(
        `insert into notes select i, 0, repeat('x', l) from unnest('{${lengths.join()}}'::int[]) with ordinality as n (l, i)`,
      ),
    )
    await freshet.create({ name: 'copy', query: 'select id, version, filling from notes', schedule: 'manual' })
    const bytes = 10_000
    const feed = await freshet.subscribe<JsonRow>('copy', { rows: 'json', pageRows: 100, pageBytes: bytes })
    const batch = async () => {
      const pages: FeedPage<JsonRow>[] = []
      for (;;) {
        const { value, done } = await feed.next()
        if (done === true) throw new Error('the feed ended')
        pages.push(value)
        if (value.token !== null) return pages
      }
    }
    const bounded = (pages: readonly FeedPage<JsonRow>[]) => {
      for (const { changes } of pages) {
        const size = changes.reduce((sum, { row }) => sum + Buffer.byteLength(row.json), 0)
        expect(
          changes.length <= 100 && (size <= bytes || changes.length === 1),
          `${changes.length} rows, ${size} bytes`,
        ).toBe(true)
      }
      const changes = pages.flatMap((page) => page.changes)
      return changes.map(({ weight, row }) => {
        const { id, version, filling } = JSON.parse(row.json) as { id: number; version: number; filling: string }
        return [id, version, weight, filling.length] as const
      })
    }
    const table = await batch()
    const ids = Array.from({ length: 600 }, (_, i) => i + 1)
    expect(bounded(table).sort(([a], [b]) => a - b)).toEqual(ids.map((id) => [id, 0, 1, lengths[id - 1]]))
    const total = lengths.reduce((sum, length) => sum + length + 40, 0)
    // not many more than there must be
    expect(table.length).toBeLessThan((8 * total) / bytes)

    await database.query(raw('update notes set version = 1'))
    await freshet.refresh('copy')
    const window = await batch()
    expect(window.length).toBeGreaterThan(total / bytes)
    expect(bounded(window)).toEqual(
      ids.flatMap((id) => [
        [id, 0, -1, lengths[id - 1]],
        [id, 1, 1, lengths[id - 1]],
      ]),
    )

    await database.query(raw('update notes set version = 2 where id <= 3'))
    await freshet.refresh('copy')
    expect(bounded(await batch()).map(([id, version]) => [id, version])).toEqual(
      [1, 2, 3].flatMap((id) => [
        [id, 1],
        [id, 2],
      ]),
    )
    await feed.close()
    await expect(freshet.subscribe('copy', { pageBytes: bytes })).rejects.toMatchObject({ code: 'USAGE' })
  } finally {
    await own.drop()
  }
})
