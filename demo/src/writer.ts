import { setTimeout as sleep } from 'node:timers/promises'
import { type Database, isFreshetError, type Queryable, sql } from '@freshet/core'
import type { Agenda, Errand } from './agenda.ts'
import { type Chance, chance } from './chance.ts'
import type { Pace } from './pace.ts'
import { writeChanges, type Written } from './schema.ts'
import type { Tally } from './tally.ts'

/**
 * One of several concurrent writers. Its transactions are of all the kinds that make capture hard: of one statement or
 * many, at READ COMMITTED or REPEATABLE READ, some open for long (they commit after later ones), some with a savepoint
 * rolled back, some rolled back altogether.
 */
export interface WriterParts {
  readonly database: Database
  readonly agenda: Agenda
  readonly pace: Pace
  readonly tally: Tally
  readonly signal: AbortSignal
}

const ROLLED_BACK = 0.06
const LATE = 0.05
const SAVEPOINT = 0.1

class Rollback extends Error {}

export async function write(number: number, parts: WriterParts): Promise<void> {
  const random = chance(number)
  while (!parts.signal.aborted) await oneTransaction(random, parts)
}

async function oneTransaction(random: Chance, parts: WriterParts): Promise<void> {
  const { database, agenda, pace, tally, signal } = parts
  const statements = 1 + Math.floor(random() * 4)
  const late = random() < LATE
  const isolation = random() < 0.2 ? 'repeatable read' : 'read committed'
  const taken: Errand[] = []
  const written: Written[] = []
  try {
    await database.transaction(
      async (transaction) => {
        for (let i = 0; i < statements; i++) {
          const errands = agenda.take(4 + Math.floor(random() ** 2 * 40))
          taken.push(...errands)
          await pace.spend(errands.length)
          if (random() < SAVEPOINT) await inVain(transaction, errands)
          written.push(await writeChanges(transaction, changesOf(errands)))
          if (random() < 0.3) await sleep(random() * 20)
        }
        if (late) await sleep(300 + random() * 1_200, undefined, { signal }).catch(onlyAbort)
        if (random() < ROLLED_BACK) throw new Rollback()
      },
      { isolation },
    )
    agenda.done(taken)
    tally.committed(written, late)
  } catch (error) {
    if (!(error instanceof Rollback) && !isFreshetError(error, 'TRANSACTION_CONFLICT')) throw error
    agenda.giveBack(taken)
    tally.rolledBack()
  }
}

/** Writes, and thinks better of it. */
async function inVain(transaction: Queryable, errands: readonly Errand[]): Promise<void> {
  await transaction.query(sql`savepoint second_thoughts`)
  await writeChanges(transaction, changesOf(errands))
  await transaction.query(sql`rollback to savepoint second_thoughts`)
}

function changesOf(errands: readonly Errand[]) {
  return errands.map(({ change }) => change)
}

/** Now and then an airport gets another name, which reaches every flight on its board. */
export async function rename(airports: readonly string[], parts: WriterParts): Promise<void> {
  const { database, tally, signal } = parts
  const random = chance(airports.length)
  while (!signal.aborted) {
    await sleep(1_000 + random() * 2_000, undefined, { signal }).catch(onlyAbort)
    if (signal.aborted) return
    const iata = airports[Math.floor(random() * airports.length)]
    await database.query(sql`
      update airport
      set name = case when name like '% International' then left(name, -14) else name || ' International' end
      where iata = ${iata}`)
    tally.committed([{ inserts: 0, updates: 1, deletes: 0 }], false)
  }
}

export function onlyAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error
}
