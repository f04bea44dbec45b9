import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, heldBy } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerAlone, answerStatement } from './answer-alone.ts'
import { corpus, deltaOf } from './corpus.ts'

/**
 * Every file of the corpus: its plan and its delta are as they were, every refresh is differential, and after every
 * step each stream table equals its query; and would by the answer alone.
 */
const { schema, files } = await corpus()
const own = await createTestDatabase()
const freshet = await connect(own.url)
own.defer(() => freshet.close())

/** PostgreSQL prints a query back in its own words, and these change: plans and deltas are those of version 18. */
const [version] = await freshet.database.query<{ number: string }>(
  raw('select current_setting($$server_version_num$$) as number'),
)
const describesAs18 = version?.number.startsWith('18') === true

beforeAll(() => freshet.init())
afterAll(() => own.drop())

test.each(files)('$name', async ({ name, setup, queries, steps }) => {
  const run = (script: string) => freshet.database.query(raw(script))
  await run(`drop schema public cascade; create schema public; ${schema}; ${setup}`)
  for (const query of queries) {
    // AUTO would find a full refresh of a few rows cheaper
    const spec = { name: query.name, query: query.text, schedule: 'manual', mode: 'differential' } as const
    const made = await freshet.create(spec)
    expect(made.modeReason, `${query.name} is differential`).toBeNull()
    const { plan, statements } = await freshet.explain({ name: query.name })
    const file = queries.length === 1 ? name : `${name}.${query.name}`
    if (!describesAs18) continue
    await expect.soft(`${plan}\n`).toMatchFileSnapshot(`../corpus/plans/${file}.txt`)
    await expect.soft(`${deltaOf(statements['refresh'] ?? '')}\n`).toMatchFileSnapshot(`../corpus/deltas/${file}.sql`)
  }
  for (const query of queries) await assertEqualToQuery(freshet.database, query.name, query.text)
  for (const { title, text } of steps) {
    await run(text)
    const actions: string[] = []
    for (const query of queries) {
      const alone = await answerStatement(freshet.database, query.name)
      if (alone !== null) {
        const held = await heldBy(freshet.database, query.name)
        const differing = await answerAlone(freshet.database, alone, held, query.text)
        expect(differing, `${title}, the answer alone`).toEqual([])
      }
      actions.push((await freshet.refresh(query.name)).action)
      await assertEqualToQuery(freshet.database, query.name, query.text)
    }
    expect(actions, title).toContain('differential')
    expect(actions, title).not.toContain('full')
  }
  for (const query of queries.toReversed()) await freshet.drop(query.name)
})
