import {
  type Fragment,
  FreshetError,
  identifier,
  isCapable,
  isSharded,
  literal,
  type Placement,
  type Queryable,
  raw,
  readCitusVersion,
  sql,
} from '@freshet/core'
import type { Compiled, QueryFacts } from '@freshet/dvm'
import type { Definition, OutputPlacement, StoredPlan } from '../definition.ts'
import { readShardSizes } from './shard-rows.ts'

/**
 * Where a stream table's own rows are: on the coordinator; the same on every node, which reads and joins them without
 * asking another; or distributed by a column of its key.
 *
 * What is written to it on other nodes ends there a moment after the coordinator has committed. So whoever reads its rows
 * beside what the coordinator tells of it (its next refresh, one of a stream table over it, an audit, a feed that begins)
 * takes turns with its refreshes: `ownTables` are locked before the snapshot, and unlocked when all nodes have ended.
 */
export type OutputKind = (typeof OUTPUT_KINDS)[number]

export const OUTPUT_KINDS = ['local', 'reference', 'distributed'] as const

/** Asked for, or left to Freshet. */
export interface WantedOutput {
  readonly placement?: OutputKind
  readonly distributionColumn?: string
  /** Where its key still has it. */
  readonly columnBefore?: string
}

/** The same as it is placed now; by another column where its key is another one. */
export function outputOf({ output }: Pick<StoredPlan, 'output'>): WantedOutput {
  if (output === undefined) return { placement: 'local' }
  if (output.kind === 'reference') return { placement: 'reference' }
  return { placement: 'distributed', columnBefore: output.column }
}

/** A stream table of fewer rows is a reference table, where nobody says otherwise. */
const DISTRIBUTED_FROM = 100_000

export interface PlacedSource {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly placement: Placement
}

/** Local where no source is cut into shards; else by how many rows there may be: as many as the largest of its sources has. */
export async function chooseKind(
  queryable: Queryable,
  { placement, distributionColumn }: WantedOutput,
  sources: readonly PlacedSource[],
): Promise<OutputKind> {
  const kind = placement ?? (distributionColumn === undefined ? null : 'distributed')
  if (distributionColumn !== undefined && kind !== 'distributed')
    throw new FreshetError('USAGE', `a stream table whose placement is ${kind} has no distribution column`)
  if (kind !== null) {
    if (kind !== 'local') await requireCitus(queryable)
    return kind
  }
  const sharded = sources.filter((source) => isSharded(source.placement))
  if (sharded.length === 0) return 'local'
  const sizes = await readShardSizes(
    queryable,
    sharded.map(({ oid }) => oid),
  )
  return Math.max(...[...sizes.values()].map(({ rows }) => rows)) >= DISTRIBUTED_FROM ? 'distributed' : 'reference'
}

function isBy(placement: Placement, column: string): boolean {
  return placement.kind === 'distributed' && placement.column === column
}

async function requireCitus(queryable: Queryable): Promise<void> {
  if (!isCapable(await readCitusVersion(queryable)))
    throw new FreshetError('CITUS_UNSUPPORTED', 'this database is not one of a Citus cluster', {
      hint: 'Leave out --placement and --distribution-column.',
    })
}

/** What the plan says of it; undefined: it is local. A table of one row can not be distributed. */
export function chosenOutput(
  kind: OutputKind,
  { placement, distributionColumn, columnBefore }: WantedOutput,
  { distributable }: Pick<Compiled, 'distributable'>,
  { sources, columns }: { readonly sources: readonly PlacedSource[]; readonly columns: QueryFacts['columns'] },
): OutputPlacement | undefined {
  if (kind === 'local') return undefined
  if (kind === 'reference') return { kind }
  const [first] = distributable ?? []
  if (first === undefined) {
    if (placement === undefined && distributionColumn === undefined) return { kind: 'reference' }
    throw new FreshetError('CITUS_UNSUPPORTED', 'a stream table of one row can not be distributed', {
      hint: 'Let it be --placement reference or local.',
    })
  }
  if (distributionColumn !== undefined && distributable?.includes(distributionColumn) !== true)
    throw new FreshetError(
      'CITUS_UNSUPPORTED',
      `the stream table can not be distributed by ${distributionColumn}, which is not a column of its key`,
      { hint: `Distribute it by ${(distributable ?? []).join(' or ')}.` },
    )
  const kept = distributable?.find((column) => column === columnBefore)
  // most likely the same values, called the same
  const like = distributable?.find((column) => sources.some(({ placement }) => isBy(placement, column)))
  const column = distributionColumn ?? kept ?? like ?? first
  const type = columns.find(({ name }) => name === column)?.type.sql
  const beside = sources.find(({ placement }) => placement.kind === 'distributed' && placement.type === type)
  if (beside === undefined) return { kind, column }
  return { kind, column, beside: { schema: beside.schema, table: beside.table } }
}

/** The transaction's writes to tables of Citus go to one shard after the other, over one connection to each node. */
export const ONE_BY_ONE = raw(`set local citus.multi_shard_modify_mode to 'sequential'`)

/** Definitions go to all nodes, where who takes turns has locked on this one alone. */
export async function reachNodes(transaction: Queryable): Promise<void> {
  await transaction.query(raw('set local citus.enable_ddl_propagation to on'))
  await transaction.query(ONE_BY_ONE)
}

/** Places the table, which is new. */
export async function placeOutput(
  transaction: Queryable,
  target: { readonly schema: string; readonly table: string },
  output: OutputPlacement | undefined,
): Promise<void> {
  if (output === undefined) return
  await reachNodes(transaction)
  const table = literal(identifier(target.schema, target.table).text)
  await transaction.query(
    output.kind === 'reference'
      ? sql`select pg_catalog.create_reference_table(${table})`
      : sql`select pg_catalog.create_distributed_table(${table}, ${literal(output.column)}, colocate_with => ${besideOf(output.beside)})`,
  )
}

function besideOf(beside: { readonly schema: string; readonly table: string } | undefined): Fragment {
  return literal(beside === undefined ? 'default' : identifier(beside.schema, beside.table).text)
}

/** What a transaction that gives triggers to a placed table begins with. */
export const UNSAFE_TRIGGERS: Fragment = raw('set local citus.enable_unsafe_triggers to on')

/** Lets this transaction write to a placed stream table: its guard is on the shards, so other nodes are told as well. */
export async function announceOnNodes(transaction: Queryable, { output }: Pick<StoredPlan, 'output'>): Promise<void> {
  if (output === undefined) return
  await transaction.query(raw(`set local citus.propagate_set_commands to 'local'`))
  await transaction.query(raw(`set local freshet.apply to 'on'`))
  await transaction.query(ONE_BY_ONE)
}

/** Whose rows are on other nodes: who reads them takes turns with who writes them. */
export function ownTables(
  definitions: readonly Pick<Definition, 'plan' | 'schema' | 'table'>[],
): readonly { readonly schema: string; readonly table: string }[] {
  return definitions.filter(({ plan }) => plan.output !== undefined)
}
