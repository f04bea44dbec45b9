import { type Database, join, raw, sql } from '@freshet/core'
import { type Difference, differencesFrom, type Held } from '@freshet/testkit'

/** How a stream table's answer alone is brought to the present. */
export interface AnswerStatement {
  readonly statement: string
  readonly settings: Readonly<Record<string, string>>
}

/** Null: its query has not that way. */
export async function answerStatement(database: Database, name: string): Promise<AnswerStatement | null> {
  const [found] = await database.query<{ statement: string | null; settings: Record<string, string> }>(sql`
    select plan -> 'answer' -> 'once' ->> 'quiet' as statement, session_settings as settings from freshet.stream_table
    where relation = ${name}::text::regclass`)
  return typeof found?.statement === 'string' ? { statement: found.statement, settings: found.settings } : null
}

/**
 * What a full refresh of the answer alone would make of a stream table: its difference from the query, in a transaction
 * that is rolled back. So it is tried wherever a query has that way, whatever AUTO would choose.
 */
export async function answerAlone(
  database: Database,
  { statement, settings }: AnswerStatement,
  held: Held,
  query: string,
): Promise<readonly Difference[]> {
  const differing: Difference[] = []
  const set = [...Object.entries(settings), ['freshet.apply', 'on'] as const].map(
    ([setting, value]) => sql`set_config(${setting}, ${value}, true)`,
  )
  await database
    .transaction(
      async (transaction) => {
        await transaction.query(sql`select ${join(set)}`)
        await transaction.query(raw(statement))
        differing.push(...(await differencesFrom(transaction, held, query, false)))
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
