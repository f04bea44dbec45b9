import { soleColumn } from '../ast.ts'
import { nested, q, select } from '../print/text.ts'
import { AggregateStage } from './aggregate-stage.ts'
import { ROW_HASH, ROW_ORDINAL } from './key.ts'
import { PartitionStage } from './partition-stage.ts'
import type { AnyStage } from './stages.ts'
import type { StateTable, StoredColumn } from './state-table.ts'

/**
 * The answer alone: what readers see of a stream table, from the query as PostgreSQL runs it, and not from the stages.
 *
 * Where a query has inner stages, their state can hold much more than the answer asks for (a sum for every part, where
 * the query looks at a few), and the planner has ways for the query as a whole that it has not for its stages. So as long
 * as every refresh is a full one, nobody needs the state, and only the answer is brought to the present. Hidden columns
 * that are state, and not key, stay as they are; a new row gets a value that is only there. The next differential refresh
 * needs all of them computed anew before it.
 */
export interface Answer {
  /** The stream table with its visible columns and its key. */
  readonly table: StateTable
  /** A value for each column. */
  readonly rows: string
}

/** Null: its rows can not be told apart by what is visible, or the query can not be written into another statement. */
export function answerOf(stage: AnyStage, query: string): Answer | null {
  const { key } = stage.table
  const visible = stage.table.columns.filter((column) => column.visible)
  const keyColumns = new Set(key.columns.map((column) => column.name))
  const state = stage.table.columns.filter((column) => !column.visible && !keyColumns.has(column.name))
  const unknown = state.flatMap((column) => (column.notNull ? [{ name: column.name, value: placeholder(column) }] : []))
  const names = namesInKey(stage)
  if (visible.length === 0 || names === null || breaksLines(query)) return null
  if (unknown.some(({ value }) => value === null)) return null
  const columns = stage.table.columns.filter((column) => column.visible || keyColumns.has(column.name))
  return {
    table: { ...stage.table, columns, placeholders: unknown.map(({ name, value }) => ({ name, value: value ?? '' })) },
    rows: keyedRows(stage.table, columns, query, names),
  }
}

function keyedRows(
  { key }: StateTable,
  columns: readonly StoredColumn[],
  query: string,
  names: ReadonlyMap<string, number>,
): string {
  const visible = columns.filter((column) => column.visible).map((column) => column.name)
  const shown = `(\n${query}\n) as a(${visible.map((_, i) => shownName(i)).join(', ')})`
  const named = select({
    columns: ['*', ...[...names].map(([name, i]) => `${shownName(i)} as ${q(name)}`)],
    from: shown,
  })
  const values = key.columns.flatMap(({ name, hidden, value }) =>
    hidden && value !== null ? [`${value} as ${q(name)}`] : [],
  )
  const keyed = select({
    columns: [...visible.map((name, i) => `${shownName(i)} as ${q(name)}`), ...values],
    from: `${nested(named)} n`,
  })
  if (key.kind !== 'row') return select({ columns: columns.map(({ name }) => q(name)), from: `${nested(keyed)} k` })
  const ordinal = `row_number() over (partition by ${ROW_HASH}) as ${ROW_ORDINAL}`
  return select({
    columns: columns.map(({ name }) => (name === ROW_ORDINAL ? ordinal : q(name))),
    from: `${nested(keyed)} k`,
  })
}

const shownName = (i: number) => `__shown_${i + 1}`

/** By what names the values of hidden key columns call visible columns, and their positions; null: they name more. */
function namesInKey(stage: AnyStage): ReadonlyMap<string, number> | null {
  const { key, columns } = stage.table
  if (key.columns.every(({ hidden, value }) => !hidden || value === null)) return new Map()
  if (stage instanceof AggregateStage) {
    const names = stage.node.keys.map(
      (name) => [name, stage.items.findIndex(({ expression }) => soleColumn(expression) === name)] as const,
    )
    return names.some(([, i]) => i === -1) ? null : new Map(names)
  }
  // copies are numbered within their partition, which may be by what is not visible
  if (stage instanceof PartitionStage && key.kind === 'row' && stage.node.keys.length > 0) return null
  return new Map(columns.filter((column) => column.visible).map(({ name }, i) => [name, i]))
}

/** A value of a state column's type, for a row whose state nobody knows. */
function placeholder({ sql }: StoredColumn): string | null {
  return { bigint: '0', bytea: `'\\x'::bytea` }[sql] ?? null
}

/** A line break within a constant or a name would not survive the layout of a statement. */
function breaksLines(query: string): boolean {
  return (query.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g) ?? []).some((quoted) => quoted.includes('\n'))
}
