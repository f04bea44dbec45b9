import { triggerCapture } from '@freshet/cdc'
import { type Database, raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import type { RefreshContext } from '../context.ts'
import { createStreamTable } from '../create.ts'
import { type Definition, listDefinitions, nameOf } from '../definition.ts'
import { dropStreamTable } from '../drop.ts'
import { leftBehind } from '../world.fixture.ts'

/** A database with immediate stream tables under the oracle: after every step each of them must equal its query. */
export interface ImmediateWorld {
  readonly own: TestDatabase
  readonly database: Database
  readonly context: RefreshContext
  run(script: string): Promise<void>
  /** Creates an immediate stream table. */
  stream(name: string, query: string): Promise<Definition>
  /** Runs a script and compares every stream table with its query; nothing is refreshed. */
  step(script: string): Promise<void>
  compare(): Promise<void>
  /** Drops every stream table and the schema; nothing of Freshet may be left. */
  clear(): Promise<void>
}

export async function createImmediateWorld(): Promise<ImmediateWorld> {
  const own = await createTestDatabase()
  const { database } = own
  const context: RefreshContext = { database, capture: triggerCapture() }
  const compare = async () => {
    for (const definition of await listDefinitions(database))
      await assertEqualToQuery(database, nameOf(definition), definition.definition)
  }
  const run = async (script: string) => {
    await database.query(raw(script))
  }
  return {
    own,
    database,
    context,
    run,
    compare,
    async stream(name, query) {
      const definition = await createStreamTable(context, { name, query, mode: 'immediate' })
      await assertEqualToQuery(database, name, query)
      return definition
    },
    async step(script) {
      await run(script)
      await compare()
    },
    async clear() {
      for (;;) {
        const definitions = await listDefinitions(database)
        const last = definitions.find(({ id }) => id === Math.max(...definitions.map((other) => other.id)))
        if (last === undefined) break
        await dropStreamTable(context, nameOf(last))
      }
      const left = await leftBehind(database)
      if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
      await run('drop schema public cascade; create schema public')
    },
  }
}

/** Two tables whose deltas meet, and queries over them: a bag of pairs, and groups. */
export const TABLES = `
  create table a (id int primary key, g int, v int);
  create table b (id int primary key, g int, v int);
  insert into a select i, i % 3, i from generate_series(1, 12) i;
  insert into b select i, i % 3, i from generate_series(1, 12) i`
export const JOINED = 'select a.id, b.id as other from a join b on a.g = b.g'
export const SUMS = 'select g, sum(v) as total, max(v) as most, count(*) as n from a group by g'
