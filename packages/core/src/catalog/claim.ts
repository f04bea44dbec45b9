import type { Database, Queryable } from '../database.ts'
import { FreshetError } from '../errors.ts'
import { displayName } from '../names.ts'
import { type Fragment, raw, sql } from '../sql.ts'

/**
 * Work on a stream table that takes several transactions: its creation, and what alters it. Whoever does it holds a
 * claim until the end, an advisory lock in a transaction that does nothing else, and a process that dies lets go of it.
 * So what is half done and claimed is on its way; what is half done and not claimed was left behind, and anybody may
 * clear it away.
 *
 * A claim is on the stable name, or rather on 31 bits of it: where two meet, one waits for no reason.
 */
export interface Claimable {
  readonly schema: string
  readonly table: string
  readonly stableName: string
}

const SPACE = 1_179_796_819

/** How long to wait for somebody else's. */
const PATIENCE = '30s'

export async function claiming<T>(database: Database, claimed: Claimable, work: () => Promise<T>): Promise<T> {
  const outcome = await claim(database, claimed, 'wait', work)
  if (outcome === null) throw new FreshetError('INTERNAL', 'a claim was waited for, and not had')
  return outcome.result
}

/** Null, and nothing done, when somebody else has it. */
export async function whenUnclaimed<T>(
  database: Database,
  claimed: Claimable,
  work: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  return claim(database, claimed, 'try', work)
}

async function claim<T>(
  database: Database,
  claimed: Claimable,
  how: 'wait' | 'try',
  work: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  let outcome: { readonly result: T } | null = null
  try {
    await database.transaction(async (transaction) => {
      if (!(await taken(transaction, claimed, how))) return
      outcome = { result: await work() }
    })
  } catch (error) {
    // what was done is done, even if the connection that held the claim has been lost
    if (outcome === null) throw error
  }
  return outcome
}

async function taken(transaction: Queryable, claimed: Claimable, how: 'wait' | 'try'): Promise<boolean> {
  const key = Number(BigInt(`0x${claimed.stableName}`) & 0x7fff_ffffn)
  // however long the work takes
  await transaction.query(sql`
    select set_config('idle_in_transaction_session_timeout', '0', true), set_config('lock_timeout', ${PATIENCE}, true),
      case when current_setting('transaction_timeout', true) is not null then set_config('transaction_timeout', '0', true) end`)
  if (how === 'try') {
    const [row] = await transaction.query<{ taken: boolean }>(
      sql`select pg_try_advisory_xact_lock(${SPACE}::int, ${key}::int) as taken`,
    )
    return row?.taken === true
  }
  try {
    await transaction.query(sql`select pg_advisory_xact_lock(${SPACE}::int, ${key}::int)`)
  } catch (error) {
    if (!(error instanceof FreshetError) || error.code !== 'LOCK_TIMEOUT') throw error
    throw new FreshetError('LOCK_TIMEOUT', `${displayName(claimed)} is being created or altered by another process`, {
      sqlState: error.sqlState,
      cause: error,
    })
  }
  return true
}

const CLAIMS = `
    select from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.classid = ${SPACE} and l.objsubid = 2
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())`

/** Whether the stream table of this stable name, an expression, is claimed. */
export function isClaimed(stableName: string): Fragment {
  return raw(`exists (${CLAIMS}
      and l.objid = (('x' || right(${stableName}, 8))::bit(32) & x'7fffffff')::int::oid
  )`)
}

/** Whether anything is claimed in this database. */
export const isAnyClaimed = raw(`exists (${CLAIMS}
  )`)
