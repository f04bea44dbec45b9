import {
  identifier,
  isCapable,
  isSharded,
  LOCAL,
  type Placement,
  type Queryable,
  raw,
  readCitusVersion,
  readPlacement,
  sql,
} from '@freshet/core'
import {
  loadParser,
  planQuery,
  type QueryFacts,
  relationKey,
  renameRelations,
  sameColumns,
  wholeQuery,
  type Planned,
} from '@freshet/dvm'
import type { CopiedSource, Definition, StoredPlan } from '../definition.ts'
import type { PlacedSource } from './output.ts'

/**
 * A reference table is on every node, and the copies are not of one moment: a write that the coordinator shows, a worker
 * may not show yet. Its changes are captured on the coordinator; so where a query reads shards as well, which would be
 * joined with the copies beside them, it is read from the coordinator's copy, into a temporary table of the transaction
 * (L2). Where no table of the query is cut into shards, nothing leaves the coordinator.
 */
export interface OverCopies {
  readonly facts: QueryFacts
  readonly planned: Planned
  /** Citus has placed a table of the query. */
  readonly placed: boolean
  readonly copies: readonly CopiedSource[]
  readonly sources: readonly PlacedSource[]
}

export async function overCopies(queryable: Queryable, facts: QueryFacts, planned: Planned): Promise<OverCopies> {
  const unplaced = { facts, planned, placed: false, copies: [], sources: [] }
  if (!isCapable(await readCitusVersion(queryable))) return unplaced
  const relations = [...facts.relations.values()].filter(
    ({ kind }) => kind === 'table' || kind === 'partitioned' || kind === 'stream_table',
  )
  const placements = new Map<number, Placement>()
  for (const { oid } of relations) placements.set(oid, await readPlacement(queryable, oid))
  const placed = relations.filter(({ oid }) => placements.get(oid)?.kind !== 'local')
  const sharded = ({ oid }: { readonly oid: number }) => {
    const placement = placements.get(oid)
    return placement !== undefined && isSharded(placement)
  }
  if (placed.length === 0) return unplaced
  const sources = relations.map(({ oid, schema, table }) => ({
    oid,
    schema,
    table,
    placement: placements.get(oid) ?? LOCAL,
  }))
  if (!placed.some(sharded)) return { ...unplaced, placed: true, sources }
  const copies = placed
    .filter((relation) => !sharded(relation))
    .map(({ schema, table, stableName, columns }) => ({
      schema,
      table,
      stableName,
      columns: columns.map(({ name }) => name),
    }))
  if (copies.length === 0) return { ...unplaced, placed: true, sources }
  const copied = new Map(copies.map((copy) => [relationKey(copy.schema, copy.table), copy]))
  const read = new Map(
    [...facts.relations].map(([key, relation]) => {
      const copy = copied.get(key)
      return [key, copy === undefined ? relation : { ...relation, readFrom: nameOfCopy(copy) }] as const
    }),
  )
  const reading = { ...facts, relations: read }
  return {
    facts: reading,
    planned: planned.unsupported === null ? planQuery(reading) : wholeQuery(reading, planned.unsupported),
    placed: true,
    copies,
    sources,
  }
}

function nameOfCopy({ stableName }: CopiedSource): { readonly schema: string; readonly table: string } {
  return { schema: 'pg_temp', table: `freshet_copy_${stableName}` }
}

/** For the rest of the transaction. */
export async function copyReferences(
  transaction: Queryable,
  plans: readonly Pick<StoredPlan, 'copies'>[],
): Promise<void> {
  const copies = new Map(plans.flatMap((plan) => plan.copies ?? []).map((copy) => [copy.stableName, copy]))
  for (const copy of copies.values()) {
    const { table } = nameOfCopy(copy)
    await transaction.query(sql`
      create temporary table ${identifier(table)} on commit drop as
      select * from ${identifier(copy.schema, copy.table)}`)
    await transaction.query(raw(`analyze pg_temp.${identifier(table).text}`))
  }
}

/** The query of a stream table, over the copies. */
export async function definitionOverCopies({ definition, plan }: Definition): Promise<string> {
  const copies = plan.copies ?? []
  if (copies.length === 0) return definition
  await loadParser()
  const renamed = copies.map(
    (copy) => [relationKey(copy.schema, copy.table), sameColumns(nameOfCopy(copy), copy.columns)] as const,
  )
  return renameRelations(definition, new Map(renamed))
}
