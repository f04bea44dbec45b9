import { soleColumn } from '../ast.ts'
import type { DeltaContext } from '../delta/context.ts'
import { transformed } from '../delta/readings.ts'
import type { TypeFacts } from '../facts.ts'
import type { Item, Partitioned } from '../plan/plan.ts'
import { nested, q, select, type Chain } from '../print/text.ts'
import { matching } from './group-recompute.ts'
import { hashOf, onShard } from './key.ts'
import { outputKey } from './output-key.ts'
import { compareRows, freshPart } from './replace.ts'
import type { StageDelta, TypeOf } from './stage.ts'
import { hiddenColumn, storedColumn, type Placed, type StateTable } from './state-table.ts'
import { placeIn, storedMatching, storedWhereSome } from './stored-state.ts'
import { storedRows } from './stored-rows.ts'

/**
 * Window functions, DISTINCT ON, ORDER BY … LIMIT: partitions that a change touches are computed again and compared
 * with what is stored of them.
 *
 *   Δ T(R) = T(R restricted to touched partitions, after) − stored rows of these partitions
 *
 * Stored rows carry a hash of their partition, indexed. What is given up is read from the state and not computed from
 * the input before, so the answer stays consistent even where ties leave PostgreSQL a choice.
 */
export class PartitionStage {
  readonly node: Partitioned
  readonly table: StateTable
  readonly items: readonly Item[]
  private readonly types: readonly TypeFacts[]
  private readonly partition: string | null
  private readonly typeOf: TypeOf
  private readonly shard: { readonly key: string; readonly stored: string; readonly type: TypeFacts } | null

  constructor(options: {
    readonly node: Partitioned
    readonly items: readonly Item[]
    readonly itemTypes: readonly TypeFacts[]
    readonly schema: string
    readonly table: string
    readonly placed: Placed
    readonly typeOf: TypeOf
    /** The key of the partitions by which its rows are placed, where that is beside the shards. */
    readonly shard?: string | undefined
  }) {
    this.node = options.node
    this.items = options.items
    this.types = options.itemTypes
    this.typeOf = options.typeOf
    this.partition =
      this.node.keys.length === 0 ? null : hashOf(this.node.keys.map((name) => ({ name, type: this.typeOf(name) })))
    this.shard = this.shownShard(options.shard)
    const told = outputKey(this.node, this.items, (i) => this.type(i), this.partition === null ? [] : [PARTITION])
    const key = this.shard === null ? told : onShard(told, { name: this.shard.stored, type: this.shard.type })
    const visible = this.items.map((item, i) => storedColumn(item.name, this.type(i), true))
    const hidden = key.columns
      .filter((column) => column.hidden)
      .map((column) => hiddenColumn(column.name, column.sql, true))
    const partition = this.partition === null ? [] : [hiddenColumn(PARTITION, 'bytea', true)]
    this.table = {
      schema: options.schema,
      table: options.table,
      columns: [...visible, ...hidden, ...partition],
      key,
      placed: options.placed,
    }
  }

  get indexes(): readonly string[] {
    return this.partition === null ? [] : [PARTITION]
  }

  fill(input: string): string {
    return this.rows(transformed(this.node, input))
  }

  delta(chain: Chain, context: DeltaContext): StageDelta | null {
    const changes = context.delta(this.node.input)
    if (changes === null) return null
    const { keys } = this.node
    const touched = chain.add(
      'Δ partitions',
      select({
        columns: keys.map((name, i) => `${q(name)} as __wanted_${i + 1}`),
        from: changes,
        groupBy: keys.map(q),
        ...(keys.length === 0 ? { limit: 1 } : {}),
      }),
    )
    const some = `(select exists (select 1 from ${touched}))`
    const groupKeys = keys.map((name) => ({ name, notNull: this.notNullKey(name), type: this.typeOf(name) }))
    const restricted = context
      .readInParts(this.node.input, 'after')
      .map((part) =>
        keys.length === 0
          ? select({ columns: ['*'], from: `${nested(part)} r`, where: [some] })
          : matching(groupKeys, part, touched, (condition) => context.decided(condition)),
      )
      .join('\nunion all\n')
    const fresh = freshPart(chain, this.table, this.rows(transformed(this.node, restricted)))
    return compareRows(chain, this.table, fresh, this.storedOf(chain, touched))
  }

  /** The stored rows of the touched partitions. */
  private storedOf(chain: Chain, touched: string): string {
    if (this.partition === null) {
      return `${nested(storedWhereSome(chain, this.table, touched))} t`
    }
    const renamed = select({
      columns: this.node.keys.map((name, i) => `__wanted_${i + 1} as ${q(name)}`),
      from: touched,
    })
    const shard = this.shard === null ? [] : [`${q(this.shard.key)} as __shard`]
    const hashes = select({ columns: [`${this.partition} as __part`, ...shard], from: `${nested(renamed)} k` })
    const stored = storedMatching(chain, this.table, [PARTITION], hashes)
    // a hash tells Citus nothing of the shard
    const on =
      this.shard === null
        ? `using (${PARTITION})`
        : `on t.${PARTITION} = p.${PARTITION} and t.${q(this.shard.stored)} = p.__shard`
    return `${nested(select({ columns: ['t.*', `${placeIn(this.table)} as __at`], from: `${stored} t\njoin ${nested(hashes)} p ${on}` }))} t`
  }

  private shownShard(key: string | undefined): PartitionStage['shard'] {
    const at = this.items.findIndex(({ expression }) => key !== undefined && soleColumn(expression) === key)
    const item = this.items[at]
    return key === undefined || item === undefined ? null : { key, stored: item.name, type: this.type(at) }
  }

  private rows(transformedRows: string): string {
    return storedRows({
      rows: transformedRows,
      items: this.items,
      types: this.types,
      table: this.table,
      beside: this.partition === null ? [] : [{ name: PARTITION, value: this.partition }],
    })
  }

  private notNullKey(name: string): boolean {
    return this.node.input.columns.some((column) => column.name === name && column.notNull)
  }

  private type(i: number): TypeFacts {
    const type = this.types[i]
    if (type === undefined) throw new TypeError(`no type for output column ${i + 1}`)
    return type
  }
}

const PARTITION = '__part'
