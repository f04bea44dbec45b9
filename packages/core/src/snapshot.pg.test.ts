import { createTestDatabase } from '@freshet/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { including, isVisible, parseSnapshot, printSnapshot } from './snapshot.ts'
import { raw, sql } from './sql.ts'

test('a snapshot shows here what it shows to pg_visible_in_snapshot', async () => {
  await using created = await createTestDatabase()
  const { database } = created
  const texts = fc.sample(
    fc
      .tuple(fc.integer({ min: 3, max: 20 }), fc.subarray([0, 1, 2, 3, 4, 5]), fc.integer({ min: 0, max: 3 }))
      .map(([xmin, hidden, more]) => `${xmin}:${xmin + 6 + more}:${hidden.map((offset) => xmin + offset).join(',')}`),
    300,
  )
  const rows = await database.query<{ text: string; printed: string; visible: string[] }>(sql`
    select text, text::pg_snapshot::text as printed,
      array(select x::text from generate_series(1, 40) as x
            where pg_visible_in_snapshot(x::text::xid8, text::pg_snapshot) order by x.x) as visible
    from unnest(${texts}::text[]) as text`)
  expect(rows).toHaveLength(300)
  const xids = Array.from({ length: 40 }, (_, i) => BigInt(i + 1))
  for (const { text, printed, visible } of rows) {
    const snapshot = parseSnapshot(text)
    expect(printSnapshot(snapshot)).toBe(printed)
    expect(xids.filter((xid) => isVisible(xid, snapshot)).map(String)).toEqual(visible)
  }
})

test('a transaction that includes itself is below every later snapshot, and hides those still open', async () => {
  await using created = await createTestDatabase()
  const { database } = created
  const open = await created.client()
  await open.query('begin; select pg_current_xact_id()')
  const own = await database.transaction(async (transaction) => {
    const [before] = await transaction.query<{ s: string }>(raw('select pg_current_snapshot()::text as s'))
    const [row] = await transaction.query<{ x: string }>(raw('select pg_current_xact_id()::text as x'))
    const snapshot = parseSnapshot(before?.s ?? '')
    const xid = BigInt(row?.x ?? '')
    expect(isVisible(xid, snapshot)).toBe(false)
    return { xid, stored: including(snapshot, xid) }
  })
  const [{ rows }] = [await open.query<{ x: string }>('select pg_current_xact_id()::text as x')]
  expect(isVisible(own.xid, own.stored)).toBe(true)
  expect(isVisible(BigInt(rows[0]?.x ?? ''), own.stored)).toBe(false)
  const [parsed] = await database.query(sql`select ${printSnapshot(own.stored)}::pg_snapshot::text as s`)
  expect(parsed).toEqual({ s: printSnapshot(own.stored) })
})
