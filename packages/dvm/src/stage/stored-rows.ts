import type { TypeFacts } from '../facts.ts'
import type { Item } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { nested, q, select } from '../print/text.ts'
import { ROW_ORDINAL } from './key.ts'
import type { StateTable } from './state-table.ts'

/** The stored columns of a state table, in order, from rows that were computed again: items, what stands beside them, keys. */
export function storedRows(options: {
  readonly rows: string
  readonly items: readonly Item[]
  readonly types: readonly TypeFacts[]
  readonly table: StateTable
  readonly beside: readonly { readonly name: string; readonly value: string }[]
}): string {
  const { key } = options.table
  const visible = options.items.map(
    (item, i) => `(${printExpression(item.expression)})::${options.types[i]?.sql ?? 'text'} as ${itemName(i)}`,
  )
  const beside = options.beside.map(({ name, value }) => `${value} as ${name}`)
  const shown = select({ columns: [...visible, ...beside], from: `${nested(options.rows)} p` })
  const named = select({
    columns: [
      ...options.items.map((item, i) => `${itemName(i)} as ${q(item.name)}`),
      ...options.beside.map(({ name }) => name),
    ],
    from: `${nested(shown)} v`,
  })
  const keyValues = key.columns
    .filter((column) => column.hidden && column.value !== null)
    .map((column) => `${column.value ?? 'null'} as ${q(column.name)}`)
  const keyed = select({ columns: ['*', ...keyValues], from: `${nested(named)} n` })
  const alike = key.columns.flatMap(({ name }) => (name === ROW_ORDINAL ? [] : [q(name)]))
  const ordinal = `row_number() over (partition by ${alike.join(', ')}) as ${ROW_ORDINAL}`
  return select({
    columns: options.table.columns.map((column) =>
      key.kind === 'row' && column.name === ROW_ORDINAL ? ordinal : q(column.name),
    ),
    from: `${nested(keyed)} k`,
  })
}

const itemName = (i: number) => `__item_${i + 1}`
