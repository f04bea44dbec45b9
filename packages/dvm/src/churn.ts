import { quoteLiteral } from '@freshet/core'
import type { CompiledSource } from './compiled.ts'
import { nested, q, select } from './print/text.ts'

/**
 * Where a small table is written again and again, nearly all of its changes cancel. Joined one by one, each would meet
 * what its row meets, at a cost of changes × rows that no writer has paid, and the longer that takes, the more of them
 * wait for the next refresh. So what cancels is taken out first, by its exact image. Of a source that is large beside its
 * window that would cost more than it saves.
 */

/** A window of so many of its source's rows has several changes of the same ones, as likely as not. */
const CHURNED = 1 / 4

/** One row: `churned`. `size` names a part of the statement with the number of `rows` of the window. */
export function isChurned(source: CompiledSource, size: string): string {
  return `select rows > ${CHURNED} * ${sourceRows(source)} and ${haveImages(source)} as churned\nfrom ${size}`
}

/** The rows of a window, without those that cancel if `churned`, a condition, holds. */
export function netOfMany(rows: string, source: CompiledSource, churned: string): string {
  const all = select({
    columns: [...source.columns.map(q), '__w'],
    from: `${nested(rows)} w`,
    where: [`not ${churned}`],
  })
  return `${all}\nunion all\n${netted(rows, source, churned)}`
}

function relationOf({ schema, table }: CompiledSource): string {
  return `to_regclass(${quoteLiteral(`${q(schema)}.${q(table)}`)})`
}

/** By the server's statistics; 0 where it has none. */
function sourceRows(source: CompiledSource): string {
  const relation = relationOf(source)
  const relations = `(select ${relation} as relid union select relid from pg_catalog.pg_partition_tree(${relation}))`
  const rows = `(select greatest(c.reltuples, 0) from pg_catalog.pg_class c where c.oid = r.relid and c.relkind <> 'p')`
  return `(select coalesce(sum(${rows}), 0) from ${relations} r)`
}

/** A type of an extension may lack the function that makes its binary form. */
function haveImages(source: CompiledSource): string {
  const columns = source.columns.map((column) => quoteLiteral(column)).join(', ')
  if (columns === '') return 'true'
  return `not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = ${relationOf(source)} and a.attname in (${columns}) and 0 in (t.typsend, coalesce(e.typsend, 1)))`
}

/** Without the types of the columns: any row stands for all with its image. */
function netted(rows: string, { columns: read }: CompiledSource, condition: string): string {
  const columns = read.map(q)
  const from = `${nested(rows)} w`
  const where = [condition]
  if (columns.length === 0) return select({ columns: ['sum(__w)::int as __w'], from, where, having: ['sum(__w) <> 0'] })
  const [image, at] = ['__image', '__at'].map((name) => q(read.includes(name) ? `${name}_` : name))
  const imaged = select({
    columns: [...columns, '__w', `record_send(row(${columns.join(', ')})) as ${image}`],
    from,
    where,
  })
  const net = `sum(__w) over (partition by ${image})::int as __w`
  const numbered = select({
    columns: [...columns, net, `row_number() over (partition by ${image}) as ${at}`],
    from: `${nested(imaged)} w`,
  })
  return select({ columns: [...columns, '__w'], from: `${nested(numbered)} w`, where: [`${at} = 1`, '__w <> 0'] })
}
