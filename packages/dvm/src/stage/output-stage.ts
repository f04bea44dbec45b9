import type { DeltaContext } from '../delta/context.ts'
import type { TypeFacts } from '../facts.ts'
import type { Query } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { nested, q, select, type Chain } from '../print/text.ts'
import { ROW_HASH, ROW_ORDINAL } from './key.ts'
import { outputKey } from './output-key.ts'
import type { StageDelta } from './stage.ts'
import { hiddenColumn, storedColumn, type Placed, type StateTable } from './state-table.ts'
import { weightedRows } from './weighted-rows.ts'

/**
 * The stream table of a query that ends in stateless operators: it stores the answer itself, and the delta of its last
 * operator is what is written.
 */
export class OutputStage {
  readonly table: StateTable
  readonly query: Query
  private readonly types: readonly TypeFacts[]

  constructor(options: {
    readonly query: Query
    readonly itemTypes: readonly TypeFacts[]
    readonly schema: string
    readonly table: string
    readonly placed: Placed
  }) {
    this.query = options.query
    this.types = options.itemTypes
    const visible = this.query.items.map((item, i) => storedColumn(item.name, this.type(i), true))
    const key = outputKey(this.query.input, this.query.items, (i) => this.type(i))
    const hidden = key.columns
      .filter((column) => column.hidden)
      .map((column) => hiddenColumn(column.name, column.sql, true))
    this.table = {
      schema: options.schema,
      table: options.table,
      columns: [...visible, ...hidden],
      key,
      placed: options.placed,
    }
  }

  fill(input: string): string {
    const rows = select({ columns: this.items(), from: `${nested(input)} i` })
    if (this.table.key.kind !== 'row')
      return select({ columns: [...this.names(), ...this.keyValues()], from: `${nested(rows)} v` })
    const hashed = select({ columns: ['*', ...this.keyValues()], from: `${nested(rows)} v` })
    return select({
      columns: [...this.names(), ROW_HASH, `row_number() over (partition by ${ROW_HASH}) as ${ROW_ORDINAL}`],
      from: `${nested(hashed)} h`,
    })
  }

  delta(chain: Chain, context: DeltaContext): StageDelta | null {
    const input = context.delta(this.query.input)
    if (input === null) return null
    const rows = chain.add('Δ output', select({ columns: [...this.items(), '__w'], from: input }))
    const shown = this.query.items.map((item, i) => ({ name: item.name, type: this.type(i) }))
    return weightedRows(chain, this.table, shown, rows)
  }

  private items(): string[] {
    return this.query.items.map(
      (item, i) => `(${printExpression(item.expression)})::${this.type(i).sql} as ${q(item.name)}`,
    )
  }

  private names(): string[] {
    return this.query.items.map((item) => q(item.name))
  }

  private keyValues(): string[] {
    return this.table.key.columns
      .filter((column) => column.hidden && column.value !== null)
      .map((column) => `${column.value ?? 'null'} as ${q(column.name)}`)
  }

  private type(i: number): TypeFacts {
    const type = this.types[i]
    if (type === undefined) throw new TypeError(`no type for output column ${i + 1}`)
    return type
  }
}
