import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { corpus } from './corpus.ts'

/** Every file of the corpus, kept by its writers: after every step each stream table equals its query, and nobody refreshes. */
const { schema, files } = await corpus()
const own = await createTestDatabase()
const freshet = await connect(own.url)
own.defer(() => freshet.close())

beforeAll(() => freshet.init())
afterAll(() => own.drop())

test.each(files)('$name', async ({ setup, queries, steps }) => {
  const run = (script: string) => freshet.database.query(raw(script))
  await run(`drop schema public cascade; create schema public; ${schema}; ${setup}`)
  for (const query of queries) {
    const made = await freshet.create({ name: query.name, query: query.text, mode: 'immediate' })
    expect(made.effectiveMode).toBe('immediate')
    await assertEqualToQuery(freshet.database, query.name, query.text)
  }
  for (const { text } of steps) {
    await run(text)
    for (const query of queries) await assertEqualToQuery(freshet.database, query.name, query.text)
  }
  for (const query of queries) expect(await freshet.refresh(query.name)).toMatchObject({ action: 'none' })
  for (const query of queries.toReversed()) await freshet.drop(query.name)
})
