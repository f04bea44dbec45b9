import { expect, test } from 'vitest'
import { refuseOldServer } from './postgres.ts'

test('PostgreSQL 15 is the oldest server', () => {
  expect(() => refuseOldServer(140_012, '14.12')).toThrow(expect.objectContaining({ code: 'SERVER_TOO_OLD' }))
  refuseOldServer(150_000, '15.0')
})
