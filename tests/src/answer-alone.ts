import { type Database, raw, sql } from '@freshet/core'
import { differences, type Difference } from '@freshet/testkit'

/**
 * What a full refresh of the answer alone would make of a stream table: its difference from the query, in a transaction
 * that is rolled back. So it is tried wherever a query has that way, whatever AUTO would choose. Null: it has not.
 */
export async function answerAlone(
  database: Database,
  name: string,
  query: string,
): Promise<readonly Difference[] | null> {
  const [found] = await database.query<{ statement: string | null; settings: Record<string, string> }>(sql`
    select plan -> 'answer' -> 'once' ->> 'quiet' as statement, session_settings as settings from freshet.stream_table
    where relation = ${name}::text::regclass`)
  if (typeof found?.statement !== 'string') return null
  const { statement, settings } = found
  const differing: Difference[] = []
  await database
    .transaction(
      async (transaction) => {
        for (const [setting, value] of [...Object.entries(settings), ['freshet.apply', 'on'] as const])
          await transaction.query(sql`select set_config(${setting}, ${value}, true)`)
        await transaction.query(raw(statement))
        differing.push(...(await differences(transaction, name, query)))
        throw new RolledBack()
      },
      { isolation: 'repeatable read' },
    )
    .catch((error: unknown) => {
      if (!(error instanceof RolledBack)) throw error
    })
  return differing
}

class RolledBack extends Error {}
