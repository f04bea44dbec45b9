import type { Database } from '../database.ts'
import { FreshetError, isFreshetError } from '../errors.ts'
import { raw } from '../sql.ts'

/**
 * Event triggers on the functions that the migrations made. They are not needed: every refresh looks for itself. With
 * them a change is marked when it is made, and what would take a column away can be refused. Only a superuser may
 * create them, or who a managed service lets.
 */
const TRIGGERS = [
  ['freshet_note_ddl', 'ddl_command_end', 'freshet.note_ddl'],
  ['freshet_note_drop', 'sql_drop', 'freshet.note_drop'],
] as const

/** Puts them there, or takes them away. */
export async function setEventTriggers(database: Database, wanted: boolean): Promise<void> {
  try {
    await database.transaction(async (transaction) => {
      for (const [name, event, call] of TRIGGERS) {
        await transaction.query(raw(`drop event trigger if exists ${name}`))
        if (wanted) await transaction.query(raw(`create event trigger ${name} on ${event} execute function ${call}()`))
      }
    })
  } catch (error) {
    if (!isFreshetError(error, 'INSUFFICIENT_PRIVILEGE')) throw error
    throw new FreshetError('INSUFFICIENT_PRIVILEGE', `event triggers can not be created: ${error.message}`, {
      hint: 'Only a superuser may, or on a managed service its administrator. Everything but refusing changes of sources works without them.',
      sqlState: error.sqlState,
      cause: error,
    })
  }
}

export async function hasEventTriggers(database: Database): Promise<boolean> {
  const rows = await database.query(
    raw(`select from pg_catalog.pg_event_trigger where evtname = 'freshet_note_ddl' and evtenabled in ('O', 'A')`),
  )
  return rows.length > 0
}
