import { expect, test } from 'vitest'
import { readMigration, shippedMigrations } from './migrations.ts'

test('shipped migrations are numbered from 1 upwards, each number once', async () => {
  const numbers = (await shippedMigrations()).map((migration) => migration.number)
  expect(numbers[0]).toBe(1)
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
})

test('a migration says what it does to older programs', () => {
  expect(readMigration('000007', '-- compatibility: additive\nselect 1')).toMatchObject({ number: 7, breaking: false })
  expect(readMigration('000007', '-- compatibility: breaking\nselect 1')).toMatchObject({ breaking: true })
  expect(() => readMigration('000007', 'select 1')).toThrow(/000007/)
})
