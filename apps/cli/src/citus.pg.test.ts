import { createTestDatabase } from '@freshet/testkit'
import { expect, it } from 'vitest'
import { freshetHere } from './process.fixture.ts'

it('citus status has nothing to tell where there is no Citus', async () => {
  await using own = await createTestDatabase()
  const env = { DATABASE_URL: own.url }
  const said = await freshetHere(['citus', 'status'], env)
  expect(said).toMatchObject({ exitCode: 0, err: '', out: 'No stream table reads a table that Citus has placed.\n' })
  expect(await freshetHere(['citus', 'status', '--json'], env)).toMatchObject({ exitCode: 0, err: '', out: '[]\n' })
})
