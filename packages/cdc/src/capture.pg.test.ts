import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { triggerCapture } from './trigger-capture.ts'
import { changes, run, sourceOf } from './capture.fixture.ts'

/** What a statement leaves in the buffer. */
let world: TestDatabase
const capture = triggerCapture()

beforeAll(async () => {
  world = await createTestDatabase()
})
afterAll(() => world.drop())

/** A captured table `name`; the returned functions clear and read its buffer. */
async function captured(name: string, definition: string, columns: readonly string[]) {
  const { database } = world
  await run(database, `create table ${name} (${definition})`)
  const source = await sourceOf(database, name)
  await capture.ensure(database, source, columns)
  return {
    source,
    after: async (statement: string) => {
      await run(database, `truncate freshet_changes.log_${source.stableName}, freshet_changes.pack_${source.stableName}; ${statement}`)
      return changes(database, source, columns)
    },
  }
}

test('INSERT is +1, DELETE −1, UPDATE −old +new of the captured columns', async () => {
  const { after } = await captured('rules', 'id int, a int, b text, c text', ['a', 'b'])
  expect(await after(`insert into rules values (1, 10, 'x', 'c'), (2, 20, null, 'c')`)).toEqual(['1 10,x', '1 20,null'])
  expect(await after(`update rules set a = a + 1 where id = 1`)).toEqual(['-1 10,x', '1 11,x'])
  expect(await after(`update rules set a = a + 1`)).toEqual(['-1 11,x', '-1 20,null', '1 12,x', '1 21,null'])
  expect(await after(`delete from rules where id = 2`)).toEqual(['-1 21,null'])
  expect(await after(`truncate rules`)).toEqual(['0 null,null'])
})

test('an UPDATE leaves nothing for a row whose captured columns kept their image', async () => {
  const { after } = await captured('unchanged', 'id int, a numeric, b float8, c text', ['a', 'b'])
  await after(`insert into unchanged select g, g, g from generate_series(1, 100) g`)
  expect(await after(`update unchanged set c = 'touched' where id = 1`)).toEqual([])
  expect(await after(`update unchanged set c = 'touched', a = a`)).toEqual([])
  expect(await after(`update unchanged set a = a + case when id % 50 = 0 then 1 else 0 end`)).toHaveLength(4)
  expect(await after(`update unchanged set a = 1.00 where id = 1`)).toEqual(['-1 1,1', '1 1.00,1'])
  expect(await after(`update unchanged set b = 0.0 where id = 1`)).toHaveLength(2)
  expect(await after(`update unchanged set b = '-0' where id = 1`)).toEqual(['-1 1.00,0', '1 1.00,-0'])
  expect(await after(`update unchanged set c = 'none' where false`)).toEqual([])
})
