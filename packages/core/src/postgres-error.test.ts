import { DatabaseError } from 'pg'
import { expect, test } from 'vitest'
import { fromDriver } from './postgres-error.ts'

test('a shard that a split has taken away is a conflict, and not an internal error of the server', () => {
  const error = new DatabaseError('could not find valid entry for shard 102057', 0, 'error')
  error.code = 'XX000'
  expect(fromDriver(error, 'connected')).toMatchObject({ code: 'QUERY_FAILED', retry: 'never' })
  error.routine = 'LookupShardRelationFromCatalog'
  expect(fromDriver(error, 'connected')).toMatchObject({ code: 'TRANSACTION_CONFLICT', retry: 'retry' })
})
