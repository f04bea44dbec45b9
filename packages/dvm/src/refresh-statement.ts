import { quoteLiteral } from '@freshet/core'

import type { CompiledSource, RefreshVariant, Target } from './compiled.ts'
import { isChurned, netOfMany } from './churn.ts'
import { Differentiator } from './delta/differentiate.ts'
import type { Stateful } from './plan/plan.ts'
import { Chain, indent, nested, q, select } from './print/text.ts'
import { apply, emitted, type Applied } from './stage/apply.ts'
import { counts, emit, writtenCount } from './stage/emit.ts'
import type { StageDelta } from './stage/stage.ts'
import type { Stages } from './stage/stages.ts'
import { stateReader, type Looked } from './stage/state-reader.ts'
import type { StagedPlan } from './staged-plan.ts'

export interface RefreshPlan extends StagedPlan {
  readonly target: Target
  readonly smallDeltaRows: number
}

const FIRST_SNAPSHOT = 4

/** What a statement is run with: expressions. */
export interface Arguments {
  readonly streamTable: string
  readonly version: string
  /** Of each source, by its position. */
  frontier(position: number): string
}

const PARAMETERS: Arguments = {
  streamTable: '$1',
  version: '$2',
  frontier: (position) => `$${FIRST_SNAPSHOT + position}::pg_snapshot`,
}

/**
 * The statement of a differential refresh. It locks the stream table's state row if its version is still the expected
 * one, reads the windows of the change buffers, computes and applies the delta of every stage, and advances the
 * frontier, all at one snapshot.
 *
 * Parameters: $1 stream table, $2 expected version, $3 who asked, $4… each source's frontier snapshot.
 *
 * `most`: refused where it has more characters. Whether a query is kept by deltas is decided once, by one variant: others
 * of it may be somewhat longer.
 */
export function refreshStatement(plan: RefreshPlan, variant: RefreshVariant, most?: number): string {
  const { stages, sources, target } = plan
  const { emits } = variant
  const chain = new Chain(most)
  const windows = openWindows(chain, plan, variant, PARAMETERS)
  const applied = maintainStages(
    chain,
    stages,
    windows.names,
    emits ? target : null,
    variant.extent === 'few' ? 'by index' : 'through',
  )
  chain.add('advanced', advance(sources))
  chain.add('recorded', record(windows.changeRows, applied))
  return chain.statement(
    [
      // The guard triggers fire when a table has been written, and must find it announced: so this comes first.
      `select set_config('freshet.apply', 'on', true) as applying,`,
      ...found(windows, PARAMETERS),
      `  (select go from gate) as done,`,
      `  ${counts(applied)},`,
      `  pg_current_snapshot()::text as snapshot,`,
      // that which this makes, or that which is there
      `  coalesce((select version from advanced), known.version)::text as version`,
      `from (select) one`,
      `left join freshet.stream_table_state known on known.stream_table_id = $1`,
    ].join('\n'),
  )
}

/**
 * The part of a statement that maintains: the delta of every stage, inner ones first, computed from the windows and
 * applied; and the output delta, where there is a target for it. The part `gate` of the chain says whether it may.
 * `looked`: how the stages' states are, where a delta asks for them after the change.
 */
export function maintainStages(
  chain: Chain,
  stages: Stages,
  windows: ReadonlyMap<string, string>,
  emitTo: Target | null,
  looked: Looked,
): Applied | null {
  const stageDeltas = new Map<Stateful, string | null>()
  const computed = new Map<Stateful, StageDelta>()
  const context = new Differentiator({
    chain,
    stages: stateReader(stages.inner, computed, looked),
    windows,
    stageDeltas,
  })
  for (const [node, stage] of stages.inner) {
    const delta = stage.delta(chain, context, true)
    if (delta === null) {
      // over constants, or over what did not change
      stageDeltas.set(node, null)
      continue
    }
    computed.set(node, delta)
    stageDeltas.set(
      node,
      chain.add(
        'Δ stage',
        emitted(
          delta,
          node.columns.map((column) => column.name),
        ),
      ),
    )
    apply(chain, delta)
  }
  const delta = stages.last.delta(chain, context, emitTo !== null)
  const applied = delta === null ? null : apply(chain, delta)
  if (delta !== null && emitTo !== null) emit(chain, delta, emitTo)
  return applied
}

/** The switch for diagnosis; it costs one look into a small table. */
const FORCED = `exists (select from freshet.setting where name = 'force_full_refresh' and value = 'true')`

/**
 * Whether something that the query refers to is not what the plan was compiled for. Asked also when no change is
 * waiting: a view or a function that was replaced leaves none.
 */
const changedSince = ({ streamTable }: Arguments) => `freshet.query_changed(${streamTable})`

export interface Windows {
  /** The windows of the sources that the statement reads, by stable name. */
  readonly names: ReadonlyMap<string, string>
  readonly pending: string
  readonly truncated: string
  readonly over: string
  /** For each source, in order: how many rows its window has, as far as they were counted; of one that is not read: 1 or 0. */
  readonly waiting: string
  /** Sources have changed that the statement does not read. */
  readonly others: string
  readonly changeRows: string
}

/**
 * The window (F₀, F₁] of every source: rows of transactions that the statement sees and the frontier did not.
 * The gate opens when there is something to do, the lock is held at the expected version, no source was truncated, no
 * window is larger than the statement was planned for, and nothing changed that it does not read. While it is shut,
 * nothing above it has a row.
 */
export function openWindows(
  chain: Chain,
  { sources, smallDeltaRows }: Pick<RefreshPlan, 'sources' | 'smallDeltaRows'>,
  { changed, extent, few }: RefreshVariant,
  given: Arguments,
): Windows {
  const limitOf = ({ stableName }: CompiledSource) =>
    extent === 'few' || (extent === 'many' && few?.has(stableName) === true) ? smallDeltaRows : null
  const within = (source: CompiledSource) => {
    const frontier = given.frontier(sources.indexOf(source))
    return [`__x >= pg_snapshot_xmin(${frontier})`, `not pg_visible_in_snapshot(__x, ${frontier})`]
  }
  const stored = (kind: 'changes' | 'sizes', source: CompiledSource) =>
    `freshet_changes.${q(`${kind}_${source.stableName}`)}`
  const read = sources.filter((source) => changed.has(source.stableName))
  const sizes = new Map(
    read.map((source) => {
      const name = chain.add(
        `size of ${source.table}`,
        sizeOf(stored('sizes', source), within(source), limitOf(source)),
        {
          materialized: true,
        },
      )
      return [source, name] as const
    }),
  )
  const churned = new Map(
    read
      .filter((source) => limitOf(source) === null)
      .map((source) => {
        const test = isChurned(source, sizes.get(source) ?? '')
        return [source, `(select churned from ${chain.add(`churn of ${source.table}`, test, { materialized: true })})`]
      }),
  )
  const names = new Map(
    read.map((source) => {
      const limit = limitOf(source)
      const rows = select({
        columns: [...source.columns.map((column) => collated(column, source.collations[column])), '__w::int as __w'],
        from: limit === null ? stored('changes', source) : `${stored('changes', source)}\n${EXPECTED_TO_BE_MANY}`,
        where: [...within(source), '__w <> 0'],
        ...(limit === null ? {} : firstOf(limit + 1)),
      })
      const body =
        limit !== null
          ? expectedToBeFew(rows)
          : extent === 'churned'
            ? netOfMany(rows, source, churned.get(source) ?? '')
            : rows
      return [source.stableName, chain.add(`window of ${source.table}`, body)] as const
    }),
  )
  const unread = sources.filter((source) => !changed.has(source.stableName))
  const marks = unread.map((source) => {
    const some = select({
      columns: ['true'],
      from: stored('sizes', source),
      where: within(source),
      ...firstOf(1),
    }).replaceAll('\n', ' ')
    return `coalesce((${some}), false) as ${q(source.stableName)}`
  })
  if (marks.length > 0) chain.add('marks', `select ${marks.join(',\n  ')}`, { materialized: true })
  const truncated = anyOf([...sizes.values()].map((name) => `(select truncated from ${name})`))
  const waits = (source: CompiledSource) => {
    const size = sizes.get(source)
    return size === undefined ? `(select ${q(source.stableName)} from marks)` : `(select rows > 0 from ${size})`
  }
  const others = anyOf(unread.map(waits))
  const rowsOf = (source: CompiledSource) => {
    const size = sizes.get(source)
    return size === undefined ? `(select ${q(source.stableName)}::int from marks)` : `(select rows from ${size})`
  }
  const pending = anyOf(sources.map(waits))
  chain.add(
    'state',
    [
      'select',
      'from freshet.stream_table_state',
      `where stream_table_id = ${given.streamTable} and version = ${given.version}`,
      `  and ${pending}`,
      'for update skip locked',
    ].join('\n'),
    { materialized: true },
  )
  const over = anyOf(
    [...sizes].flatMap(([source, size]) => {
      if (limitOf(source) !== null) return [`(select rows > ${smallDeltaRows} from ${size})`]
      return extent === 'many' ? [churned.get(source) ?? ''] : []
    }),
  )
  const gate = [
    `select c.forced, c.changed,`,
    `  h.held and not ${truncated} and not ${over} and not ${others} and not c.forced and not c.changed as go`,
    `from (select (select count(*) from state) = 1 as held) h`,
    // Looked at only when there is something to do.
    `cross join lateral (select h.held and ${FORCED} as forced, h.held and ${changedSince(given)} as changed) c`,
  ]
  chain.add('gate', gate.join('\n'), { materialized: true })
  const counts = [...sizes.values()].map((name) => `(select rows from ${name})`)
  return {
    names,
    pending,
    truncated,
    over,
    others,
    waiting: `array[${sources.map(rowsOf).join(', ')}]::float8[]`,
    changeRows: counts.length === 0 ? '0' : `(${counts.join(' + ')})`,
  }
}

/** What the windows have shown, as columns of the answer. */
export function found(windows: Windows, given: Arguments): readonly string[] {
  return [
    `  (select count(*) from state)::int as held,`,
    `  ${windows.pending} as pending,`,
    `  ${windows.truncated} as truncated,`,
    `  ${windows.over} as over,`,
    `  ${windows.waiting} as waiting,`,
    `  ${windows.others} as others,`,
    `  (select forced from gate) as forced,`,
    `  (select changed from gate) or (not ${windows.pending} and ${changedSince(given)}) as changed,`,
    `  ${windows.changeRows}::float8 as change_rows,`,
  ]
}

/**
 * By index, from the frontier on: a limit alone, or EXISTS, makes the planner hope to meet enough rows early in a scan of
 * them all, and the buffer may be full of what slower readers have yet to see.
 */
function firstOf(limit: number) {
  return { orderBy: '__x', limit }
}

/**
 * How many rows wait, and whether there is a marker, which counts as one: told by the sizes, so that a window that is
 * too large, or empty, is never read. No further than is needed to tell that there are more than the limit.
 */
function sizeOf(sizes: string, within: readonly string[], limit: number | null): string {
  const rows = select({
    columns: ['__rows'],
    from: sizes,
    where: within,
    ...(limit === null ? {} : firstOf(limit + 1)),
  })
  return select({
    columns: [
      'coalesce(sum(greatest(__rows, 1)), 0)::bigint as rows',
      'coalesce(bool_or(__rows = 0), false) as truncated',
    ],
    from: `${nested(rows)} w`,
  })
}

/** One row without columns, of which the planner expects a thousand: so the limit it is, of which this takes its share. */
export const EXPECTED_TO_BE_MANY = 'cross join (select from generate_series(1, (select 1))) expected'

/**
 * Up to the limit may come, but nearly always it is a handful; and planned for the limit, a handful would be joined by
 * reading whole tables. The condition is true of every change row. Without statistics, the planner expects each of two
 * values in one of 200 rows, and so a hundredth of the limit: ten of a thousand, whatever the log's own statistics say
 * of a moment that is gone. For fewer it would join two windows by comparing each row of one with each of the other.
 */
export function expectedToBeFew(rows: string): string {
  return select({ columns: ['*'], from: `${nested(rows)} w`, where: ['__w in (1, -1)'] })
}

function anyOf(conditions: readonly string[]): string {
  const [first] = conditions
  return first === undefined ? 'false' : conditions.length === 1 ? first : `(${conditions.join(' or ')})`
}

/** A change buffer has its columns' types, not their collations; and these decide what is equal and what is less. */
export function collated(column: string, collation: string | undefined): string {
  return collation === undefined ? q(column) : `${q(column)} collate ${collation} as ${q(column)}`
}

function advance(sources: readonly CompiledSource[]): string {
  const position = `jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', pg_current_snapshot()::text))`
  const frontier = sources.map((source) => `${quoteLiteral(source.stableName)}, ${position}`).join(',\n  ')
  return [
    'update freshet.stream_table_state s',
    'set version = freshet.next_version(s.version), refreshed_at = clock_timestamp(), consecutive_errors = 0, last_error = null, retry_at = null,',
    `  frontier = jsonb_build_object(\n${indent(frontier, 2)}\n  )`,
    'where s.stream_table_id = $1 and (select go from gate)',
    'returning s.version',
  ].join('\n')
}

function record(changeRows: string, applied: Applied | null): string {
  return [
    'insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by, change_rows, rows_inserted, rows_deleted)',
    `select $1, statement_timestamp(), 'differential', $3, ${changeRows},`,
    applied === null ? '  0, 0' : `  ${writtenCount(applied)}, (select count(*) from ${applied.deleted})`,
    'from gate where go',
    'returning 1',
  ].join('\n')
}
