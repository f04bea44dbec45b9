import type { CompiledSource } from './compiled.ts'
import { Differentiator } from './delta/differentiate.ts'
import { Chain, q, select, withParts } from './print/text.ts'
import { collated } from './refresh-statement.ts'
import { apply, emitted } from './stage/apply.ts'
import { AggregateStage } from './stage/aggregate-stage.ts'
import { OutputStage } from './stage/output-stage.ts'
import type { StagedPlan } from './staged-plan.ts'
import { temporary } from './steps.ts'

/**
 * A differential refresh that Citus runs where the rows are: each statement is pushed down whole, to every shard and what
 * is co-located with it. Changes are read from queues beside the shards of the sources; what has to change is computed into
 * a table beside the shards of the stream table, because two statements read it.
 *
 * Citus plans a common table expression that is read twice, or a subquery of a condition, as a query of its own whose rows
 * pass through the coordinator. So every part is put where it is read, and nothing is decided beforehand.
 */
export interface PushedStatements {
  /** The query of what has to change, and the column of it by which the stream table is distributed. */
  readonly changes: string
  readonly column: string
  readonly compute: string
  readonly write: readonly string[]
  /** Into the buffer of the stream table's own changes, which is not there: what has to change is fetched. */
  readonly emit: readonly string[]
  /** One row, with the rows of the stream table that are written and deleted. */
  readonly count: string
}

export interface QueueWindow {
  /** With the source's columns, `__w`, and `__c`, the number of the collection that has brought the change. Quoted. */
  readonly queue: string
  /** Those of collections after this one. */
  readonly after: string
}

export interface PushedPlaces {
  /** By stable name, of those sources that have changed. */
  readonly queues: ReadonlyMap<string, QueueWindow>
  /** For what has to change. */
  readonly scratch: string
  /** Of the stream table. */
  readonly distributedBy: string
  readonly emitsTo: string
}

/** Null: not of such a plan. The plan is one whose last stage meets its rows beside it. */
export function pushedStatements(
  { stages, sources }: StagedPlan,
  { queues, scratch, distributedBy, emitsTo }: PushedPlaces,
): PushedStatements | null {
  const { last } = stages
  const lawful = last instanceof AggregateStage || (last instanceof OutputStage && last.table.key.kind === 'columns')
  if (stages.inner.size > 0 || !lawful) return null
  const chain = new Chain()
  const windows = new Map(
    sources.flatMap((source) => {
      const window = queues.get(source.stableName)
      return window === undefined
        ? []
        : [[source.stableName, chain.add(`window of ${source.table}`, queued(source, window))]]
    }),
  )
  const context = new Differentiator({
    chain,
    stages: { read: () => undefined },
    windows,
    stageDeltas: new Map(),
    pushed: true,
  })
  const delta = last.delta(chain, context, true)
  const key = delta?.keys.find(({ stored }) => stored === distributedBy)
  if (delta === null || key === undefined) return null
  const parts = chain.parts.map((part) => ({ ...part, hint: 'not materialized ' }))
  const changes = withParts(parts, select({ columns: ['*'], from: delta.rows }))
  // an expression equal to the key is not one by which Citus would know that rows stay on their shard
  const row = delta.row.map((value, i) => (delta.table.columns[i]?.name === distributedBy ? key.value : value))
  const stored = { ...delta, row, rows: scratch }
  const writes = new Chain()
  apply(writes, stored, false)
  return {
    changes,
    column: key.value,
    compute: `insert into ${scratch}\n${changes}`,
    write: writes.parts.map(({ body }) => body),
    emit: [
      temporary(FETCHED, select({ columns: ['*'], from: scratch })),
      `insert into ${emitsTo} (${[...delta.visible.map(q), '__w'].join(', ')})\n${emitted({ ...stored, rows: `pg_temp.${FETCHED}` }, delta.visible)}`,
      `drop table pg_temp.${FETCHED}`,
    ],
    count: select({
      columns: [
        `count(*) filter (where ${delta.alive})::float8 as written`,
        `count(*) filter (where ${delta.existed} and not (${delta.alive}))::float8 as deleted`,
      ],
      from: scratch,
    }),
  }
}

/**
 * Whether Citus would compute something else by an INSERT … SELECT that it hands to the shards: it evaluates beforehand what
 * names no column, and takes for that the placeholders in a CASE with an operand and in casts of arrays, which are null then.
 * Told by the text, and rather once too often.
 */
export function isSpoiltByCitus(statement: string): boolean {
  const casts = statement.replaceAll(/'[^']*'::[\w ]+\[\]/g, '')
  return /\bcase\s+(?!when\b)|\[\s*\]/i.test(casts)
}

const FETCHED = 'freshet_fetched'

/** The first condition is true of every row; without statistics, the planner expects few by it, and looks other tables up by index. */
function queued(source: CompiledSource, { queue, after }: QueueWindow): string {
  const columns = source.columns.map((column) => collated(column, source.collations[column]))
  return select({
    columns: [...columns, '__w::int as __w'],
    from: queue,
    where: ['__w in (1, -1)', `__c > ${BigInt(after)}`],
  })
}
