import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, FreshetError, identifier, sql } from '@freshet/core'
import type { Agenda } from './agenda.ts'
import { writeChanges } from './schema.ts'
import type { Tally } from './tally.ts'
import { onlyAbort } from './writer.ts'

/**
 * How fresh the answers are, measured from outside: a flight is written like any other, and from the moment at which its
 * COMMIT has returned to the writer the table is asked for it until it is there. The table is the most demanding one, a
 * join of three, under the load of all writers.
 */
const PROBED = 'departures_board'

const PAUSE_MS = 150
const LOOK_MS = 2
const GIVE_UP_MS = 60_000

export async function probe(database: Database, agenda: Agenda, tally: Tally, signal: AbortSignal): Promise<void> {
  await database.session(async (session) => {
    while (!signal.aborted) {
      const errand = agenda.takeFlight()
      const written = await writeChanges(session, [errand.change])
      const committedAt = performance.now()
      tally.committed([written], false)
      for (;;) {
        const rows = await session.query(sql`select from ${identifier(PROBED)} where id = ${errand.change.id}`, {
          prepared: true,
        })
        const age = performance.now() - committedAt
        if (rows.length > 0) {
          tally.visibleAfter(age)
          break
        }
        if (age > GIVE_UP_MS) {
          throw new FreshetError('INTERNAL', `a committed flight is not in ${PROBED} after ${GIVE_UP_MS / 1_000} s`)
        }
        await sleep(LOOK_MS)
      }
      agenda.done([errand])
      await sleep(PAUSE_MS, undefined, { signal }).catch(onlyAbort)
    }
  })
}
