import type { Database } from '@freshet/core'
import { expect, test } from 'vitest'
import { startDelivery } from './delivery.ts'

test('where nobody traces, the database is asked nothing', async () => {
  const asked: unknown[] = []
  const refuse = (...statement: unknown[]) => {
    asked.push(statement)
    throw new Error('it was asked')
  }
  const database: Database = { query: refuse, batch: refuse, session: refuse, transaction: refuse, close: refuse }
  const feed = {
    id: '1',
    streamTable: 1,
    name: 'public.revenue',
    schema: 'public',
    table: 'revenue',
    stableName: '0123456789abcdef',
    columns: [],
    keyColumns: [],
    snapshot: '1:1:',
    onNodes: false,
  }
  const delivery = startDelivery({ database, word: 'a', feed }, { from: '1:1:', to: '9:9:', readers: 1 })
  await delivery.page({ changes: [{}], last: true })
  expect(asked).toEqual([])
})
