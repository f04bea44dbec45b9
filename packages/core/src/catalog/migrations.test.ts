import { expect, test } from 'vitest'
import { readMigration, shippedMigrations } from './migrations.ts'

test('shipped migrations are numbered from 1 without gaps', async () => {
  const shipped = await shippedMigrations()
  expect(shipped.length).toBeGreaterThan(0)
  expect(shipped.map((migration) => migration.number)).toEqual(shipped.map((_, i) => i + 1))
})

test('a migration says what it does to older programs', () => {
  expect(readMigration('000007', '-- compatibility: additive\nselect 1')).toMatchObject({ number: 7, breaking: false })
  expect(readMigration('000007', '-- compatibility: breaking\nselect 1')).toMatchObject({ breaking: true })
  expect(() => readMigration('000007', 'select 1')).toThrow(/000007/)
})
