import { FreshetError, identifier, isFreshetError, type Queryable, raw, sql } from '@freshet/core'
import type { RefreshContext } from './context.ts'
import { findDefinition, loadDefinition, nameOf, type Definition } from './definition.ts'
import { lockState, recordFull, replaceAll } from './full.ts'
import { differentialStatement, fullReason } from './refresher.ts'
import { requireSources } from './require-sources.ts'
import { transactionWith } from './sessions.ts'

/**
 * The audit: in one REPEATABLE READ snapshot the table is brought to that snapshot by its own deltas and compared with
 * its query, both ways, duplicates counted. A table that is right shows no row on either side.
 */
export interface Verification {
  readonly name: string
  readonly equal: boolean
  readonly rows: number
  readonly extra: number
  readonly missing: number
  readonly samples: readonly { readonly side: 'extra' | 'missing'; readonly row: string }[]
}

const ATTEMPTS = 20

export async function verifyStreamTable(
  context: Pick<RefreshContext, 'database'>,
  name: string,
): Promise<Verification> {
  for (let attempt = 1; ; attempt++) {
    const definition = await findDefinition(context.database, name)
    await requireSources(context.database, definition)
    try {
      return await transactionWith(
        context.database,
        definition.settings,
        async (transaction) => {
          await lockState(transaction, definition.id, true)
          const current = await loadDefinition(transaction, definition.id)
          await bringToSnapshot(transaction, current)
          return compare(transaction, current)
        },
        { isolation: 'repeatable read' },
      )
    } catch (error) {
      // Another refresher committed between this transaction's snapshot and its lock: take a newer snapshot.
      if (!isFreshetError(error) || error.sqlState !== '40001' || attempt === ATTEMPTS) throw error
    }
  }
}

async function bringToSnapshot(transaction: Queryable, definition: Definition): Promise<void> {
  const options = { initiatedBy: 'verify' }
  const reason = await fullReason(transaction, definition, options)
  if (reason === 'nothing pending') return
  if (reason === null) {
    const all = new Set(definition.plan.sources.map((source) => source.stableName))
    for (const large of [false, true]) {
      const [result] = await transaction.query<{ done: boolean; pending: boolean; truncated: boolean; over: boolean }>(
        await differentialStatement(definition, { changed: all, large }, options),
      )
      if (result === undefined) throw new FreshetError('INTERNAL', 'a refresh statement answered nothing')
      if (result.done || !result.pending) return
      if (result.truncated) break
    }
  }
  const result = await replaceAll(transaction, definition)
  await recordFull(transaction, definition, {
    action: 'full',
    reason: reason ?? 'TRUNCATED',
    initiatedBy: options.initiatedBy,
    result,
  })
}

const SAMPLES = 5

async function compare(transaction: Queryable, definition: Definition): Promise<Verification> {
  const columns = definition.plan.tables.at(-1)?.visibleColumns ?? []
  const comparable = await withoutEquality(transaction, definition)
  const list = columns.map((column) => {
    const quoted = identifier(column).text
    return comparable.has(column) ? `${quoted}::text as ${quoted}` : quoted
  })
  const table = `select ${list.join(', ')} from ${identifier(definition.schema, definition.table).text}`
  const names = columns.map((column) => identifier(column).text).join(', ')
  const query = `select ${list.join(', ')} from (\n${definition.definition}\n) q(${names})`
  const [row] = await transaction.query<{
    rows: number
    extra: number
    missing: number
    samples: Verification['samples'] | null
  }>(
    raw(`with stored as materialized (${table}),
      answer as materialized (${query}),
      extra as materialized (select * from stored except all select * from answer),
      missing as materialized (select * from answer except all select * from stored)
      select (select count(*) from stored)::float8 as rows,
        (select count(*) from extra)::float8 as extra,
        (select count(*) from missing)::float8 as missing,
        (select jsonb_agg(s) from (
          (select 'extra' as side, to_jsonb(e)::text as row from extra e limit ${SAMPLES})
          union all
          (select 'missing', to_jsonb(m)::text from missing m limit ${SAMPLES})
        ) s) as samples`),
  )
  const { rows, extra, missing, samples } = row ?? { rows: 0, extra: 0, missing: 0, samples: null }
  return { name: nameOf(definition), equal: extra === 0 && missing === 0, rows, extra, missing, samples: samples ?? [] }
}

/** Columns of types that EXCEPT can not compare, or might not (composite types); they are compared as text. */
async function withoutEquality(transaction: Queryable, definition: Definition): Promise<ReadonlySet<string>> {
  const rows = await transaction.query<{ name: string }>(sql`
    with recursive columns as (
      select a.attname as name, coalesce(nullif(t.typbasetype, 0), t.oid) as type
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = ${identifier(definition.schema, definition.table).text}::regclass and a.attnum > 0 and not a.attisdropped
    ), elements as (
      select name, type from columns
      union all
      select e.name, t.typelem from elements e join pg_catalog.pg_type t on t.oid = e.type where t.typcategory = 'A' and t.typelem <> 0
    )
    select distinct e.name
    from elements e join pg_catalog.pg_type t on t.oid = e.type
    where t.typtype = 'c' or (t.typcategory <> 'A' and t.typtype not in ('e', 'r', 'm') and t.typname not in ('varchar', 'cidr') and not exists (
      select from pg_catalog.pg_opclass c join pg_catalog.pg_am m on m.oid = c.opcmethod
      where c.opcdefault and c.opcintype = t.oid and m.amname in ('btree', 'hash')
    ))`)
  return new Set(rows.map((row) => row.name))
}
