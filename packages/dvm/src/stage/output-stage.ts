import type { DeltaContext } from '../delta/context.ts'
import type { TypeFacts } from '../facts.ts'
import type { Query } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { anyValue, nested, q, select, theOne, type Chain } from '../print/text.ts'
import { keyName, ROW_HASH, ROW_ORDINAL } from './key.ts'
import { netRows } from './net.ts'
import { outputKey } from './output-key.ts'
import type { StageDelta } from './stage.ts'
import { hiddenColumn, storedColumn, type Placed, type StateTable } from './state-table.ts'
import { storedMatching } from './stored-state.ts'

/**
 * The stream table of a query that ends in stateless operators: it stores the answer itself.
 *
 * Keyed, when a key follows from the query: at most one row left and one row arrived for each key, so a key with an
 * arrival is written and a key with only a departure is deleted. Otherwise a bag: rows are told apart by a hash of
 * their content, copies by an ordinal 1…n without gaps; n more copies are numbered on, n fewer cut off at the end.
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
    return this.table.key.kind === 'row' ? this.bagDelta(chain, rows) : this.keyedDelta(chain, rows)
  }

  private keyedDelta(chain: Chain, rows: string): StageDelta {
    const key = this.table.key
    const net = chain.add(
      'Δ net',
      netRows(
        rows,
        this.query.items.map((item, i) => ({ name: item.name, type: this.type(i) })),
      ),
    )
    const keyed = chain.add(
      'Δ keyed',
      select({
        columns: ['*', ...key.columns.map((column, i) => `${column.value ?? 'null'} as ${keyName(i)}`)],
        from: net,
      }),
    )
    const names = this.names()
    const changes = chain.add('changes', this.table.placed === 'beside' ? this.grouped(keyed) : this.paired(keyed))
    const after = names.map((_, i) => newName(i))
    return {
      table: this.table,
      rows: changes,
      row: [...after, ...this.hiddenKeys()],
      keys: key.columns.map((column, i) => ({ stored: column.name, value: keyName(i) })),
      location: null,
      existed: '__existed',
      alive: '__alive',
      visible: this.query.items.map((item) => item.name),
      before: names.map((_, i) => oldName(i)),
      after,
      differs: 'true',
    }
  }

  private paired(keyed: string): string {
    const names = this.names()
    const arrived = select({ columns: ['*'], from: keyed, where: ['__w > 0'] })
    const left = select({ columns: ['*'], from: keyed, where: ['__w < 0'] })
    const keys = this.table.key.columns.map((_, i) => keyName(i))
    return select({
      columns: [
        ...keys.map((key) => `coalesce(a.${key}, l.${key}) as ${key}`),
        'l.__w is not null as __existed',
        'a.__w is not null as __alive',
        ...names.map((name, i) => `l.${name} as ${oldName(i)}`),
        ...names.map((name, i) => `a.${name} as ${newName(i)}`),
      ],
      from: `${nested(arrived)} a\nfull join ${nested(left)} l on ${keys.map((key) => `a.${key} = l.${key}`).join(' and ')}`,
    })
  }

  /** The same, with keys that are columns and not expressions: so it is seen that they stay on their shard. */
  private grouped(keyed: string): string {
    const keys = this.table.key.columns.map((_, i) => keyName(i))
    return select({
      columns: [
        ...keys,
        'bool_or(__w < 0) as __existed',
        'bool_or(__w > 0) as __alive',
        ...this.names().map((name, i) => `${theOne(name, '__w < 0')} as ${oldName(i)}`),
        ...this.names().map((name, i) => `${theOne(name, '__w > 0')} as ${newName(i)}`),
      ],
      from: keyed,
      groupBy: keys,
    })
  }

  private bagDelta(chain: Chain, rows: string): StageDelta {
    const names = this.names()
    const [hashColumn] = this.table.key.columns
    const hashed = select({ columns: [...names, `${hashColumn?.value ?? 'null'} as ${ROW_HASH}`, '__w'], from: rows })
    const net = chain.add(
      'Δ net',
      select({
        columns: [...names.map((name, i) => `${anyValue(name, this.type(i))} as ${name}`), ROW_HASH, 'sum(__w) as __w'],
        from: `${nested(hashed)} h`,
        groupBy: [ROW_HASH],
        having: ['sum(__w) <> 0'],
      }),
    )
    const stored = storedMatching(
      chain,
      this.table,
      [hashColumn?.name ?? ROW_HASH],
      select({ columns: [ROW_HASH], from: net }),
    )
    const counted = chain.add(
      'copies',
      select({
        columns: [
          'n.*',
          `(select coalesce(max(t.${ROW_ORDINAL}), 0) from ${stored} t where t.${ROW_HASH} = n.${ROW_HASH}) as __have`,
        ],
        from: `${net} n`,
      }),
    )
    const changes = chain.add(
      'changes',
      select({
        columns: [
          `${ROW_HASH} as ${keyName(0)}`,
          `copy.__n as ${keyName(1)}`,
          '__w < 0 as __existed',
          '__w > 0 as __alive',
          ...names.map((name, i) => `${name} as ${valueName(i)}`),
        ],
        from: `${counted} c\ncross join lateral generate_series(\n  (__have + least(__w, 0) + 1)::bigint,\n  (__have + greatest(__w, 0))::bigint\n) copy(__n)`,
      }),
    )
    const values = names.map((_, i) => valueName(i))
    return {
      table: this.table,
      rows: changes,
      row: [...values, keyName(0), keyName(1)],
      keys: this.table.key.columns.map((column, i) => ({ stored: column.name, value: keyName(i) })),
      location: null,
      existed: '__existed',
      alive: '__alive',
      visible: this.query.items.map((item) => item.name),
      before: values,
      after: values,
      differs: 'true',
    }
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

  private hiddenKeys(): string[] {
    return this.table.key.columns.flatMap((column, i) => (column.hidden ? [keyName(i)] : []))
  }

  private type(i: number): TypeFacts {
    const type = this.types[i]
    if (type === undefined) throw new TypeError(`no type for output column ${i + 1}`)
    return type
  }
}

const oldName = (i: number) => `__old_${i + 1}`
const newName = (i: number) => `__new_${i + 1}`
const valueName = (i: number) => `__value_${i + 1}`
