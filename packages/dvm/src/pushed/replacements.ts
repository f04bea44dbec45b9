import { Chain, nested, q, select, sentImagesDiffer } from '../print/text.ts'
import { apply } from '../stage/apply.ts'
import { keyName } from '../stage/key.ts'
import { indexesOf } from '../stage/stages.ts'
import { comparison, freshRows } from '../stage/replace.ts'
import type { StageDelta } from '../stage/stage.ts'
import { createTable, sameKey, type StateTable, tableName } from '../stage/state-table.ts'
import type { ShardedPlan } from './sharded-plan.ts'
import { type Outcome, outcomeOf, type PushedPlaces, type Scratch, scratchOf } from './scratch.ts'

/**
 * A full refresh of one stage that Citus runs where the rows are. Those below it have had theirs, and been written: from them
 * it is computed anew, and compared with what it holds.
 */
export interface PushedReplacement extends Outcome {
  readonly scratch: Scratch
  readonly write: readonly string[]
}

/** Of every stage, inner ones first. Null: not of such a plan. */
export function pushedReplacements(plan: ShardedPlan, places: PushedPlaces): readonly PushedReplacement[] | null {
  const replacements: PushedReplacement[] = []
  for (const [i, { stage, input }] of plan.stages.order.entries()) {
    const fresh = nested(freshRows(stage.table, stage.fill(input)))
    const place = { table: places.scratches[i] ?? '', column: plan.shards[i] ?? '' }
    const stored = scratchOf(...written(stage.table, fresh), place)
    const gone = scratchOf(...deleted(stage.table, fresh), place)
    if (stored === null || gone === null) return null
    const writes = new Chain()
    apply(writes, stored.delta, false)
    replacements.push({
      scratch: { ...stored.scratch, computes: [...stored.scratch.computes, ...gone.scratch.computes] },
      write: writes.parts.map(({ body }) => body),
      ...outcomeOf(stored.delta, places),
    })
  }
  return replacements
}

/**
 * What is there and was not, or was otherwise; and, apart, what was there and is not, for which keys are computed again. Of a
 * full join, Citus would not know that its keys stay where they are, and of a union of the two not always.
 */
function written(table: StateTable, fresh: string): readonly [Chain, StageDelta] {
  const differ = (names: readonly string[]) =>
    sentImagesDiffer(
      names.map((name) => `t.${name}`),
      names.map((name) => `f.${name}`),
    )
  const { key, columns, visible } = namesOf(table)
  return compared(table, 'f', {
    flags: [`t.${key} is not null`, 'true', visible.length === 0 ? 'false' : differ(visible)],
    from: `${fresh} f\nleft join ${tableName(table)} t on ${sameKey(table.key, 't', 'f')}`,
    where: `(t.${key} is null or ${differ(columns)})`,
  })
}

function deleted(table: StateTable, fresh: string): readonly [Chain, StageDelta] {
  return compared(table, 't', {
    flags: ['true', 'false', 'true'],
    from: `${tableName(table)} t\nleft join ${fresh} f on ${sameKey(table.key, 't', 'f')}`,
    where: `f.${namesOf(table).key} is null`,
  })
}

function compared(
  table: StateTable,
  side: 'f' | 't',
  {
    flags,
    from,
    where,
  }: { readonly flags: readonly [string, string, string]; readonly from: string; readonly where: string },
): readonly [Chain, StageDelta] {
  const { columns, visible } = namesOf(table)
  const [existed, alive, differs] = flags
  const chain = new Chain()
  const changes = chain.add(
    'changes',
    select({
      columns: [
        ...table.key.columns.map(({ name }, i) => `${side}.${q(name)} as ${keyName(i)}`),
        `${existed} as __existed`,
        `${alive} as __alive`,
        ...columns.map((column, i) => `${side}.${column} as __new_${i + 1}`),
        ...visible.map((column, i) => `t.${column} as __old_${i + 1}`),
        `${differs} as __differs`,
      ],
      from,
      where: [where],
    }),
  )
  return [chain, comparison(table, changes)]
}

/** Quoted; the key's first column tells whether there is a row. */
function namesOf({ key, columns }: StateTable) {
  return {
    key: q(key.columns[0]?.name ?? ''),
    columns: columns.map(({ name }) => q(name)),
    visible: columns.flatMap(({ name, visible }) => (visible ? [q(name)] : [])),
  }
}

/** Of an inner stage: the table that holds its state beside the shards. */
export interface PushedState {
  readonly schema: string
  readonly table: string
  readonly create: string
  readonly column: string
  readonly indexes: readonly string[]
}

/** In the order of the stages. */
export function pushedStates({ stages, shards }: ShardedPlan): readonly PushedState[] {
  return [...stages.inner.values()].map((stage, i) => ({
    schema: stage.table.schema,
    table: stage.table.table,
    create: createTable(stage.table),
    column: shards[i] ?? '',
    indexes: indexesOf(stage),
  }))
}
