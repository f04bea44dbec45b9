import type { Queryable, Session } from './database.ts'
import { type Fragment, identifier, join, literal, sql } from './sql.ts'

/** Runs a piece of work, a few statements, under the settings. */
export type UnderSettings = <T>(piece: (queryable: Queryable) => Promise<T>) => Promise<T>

/**
 * Settings for many pieces of work on one connection. They are set once and taken back at the end; behind a pooler, where
 * nothing lasts longer than a transaction, each piece is a transaction that sets them.
 */
export async function withSessionSettings<T>(
  session: Session,
  settings: Readonly<Record<string, string>>,
  work: (under: UnderSettings) => Promise<T>,
): Promise<T> {
  const names = Object.keys(settings)
  if (session.pooled) {
    const assign = sql`select ${join(Object.entries(settings).map(assignment))}`
    return work((piece) =>
      session.transaction(async (transaction) => {
        await transaction.query(assign)
        return piece(transaction)
      }),
    )
  }
  for (const [name, value] of Object.entries(settings))
    await session.query(sql`set ${setting(name)} = ${literal(value)}`)
  try {
    return await work((piece) => piece(session))
  } finally {
    // the connection goes back to a pool; one that broke is thrown away there, and needs no resetting
    await Promise.allSettled(names.map((name) => session.query(sql`reset ${setting(name)}`)))
  }
}

function assignment([name, value]: readonly [string, string]): Fragment {
  return sql`set_config(${literal(name)}, ${literal(value)}, true)`
}

/** `freshet.wal` is one name in two parts. */
function setting(name: string): Fragment {
  return identifier(...name.split('.'))
}
