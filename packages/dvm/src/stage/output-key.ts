import { soleColumn } from '../ast.ts'
import type { TypeFacts } from '../facts.ts'
import { keysOf } from '../plan/keys.ts'
import type { Item, Plan } from '../plan/plan.ts'
import { chooseKey, rowKey, type Key } from './key.ts'

/** How the rows of an answer are told apart: by the shortest key that survives into its columns, else row by row. */
export function outputKey(
  input: Plan,
  items: readonly Item[],
  typeOf: (i: number) => TypeFacts,
  apart: readonly string[] = [],
): Key {
  const outputs = new Map<string, { name: string; type: TypeFacts; notNull: boolean }>()
  items.forEach((item, i) => {
    const column = soleColumn(item.expression)
    if (column === undefined || outputs.has(column)) return
    const notNull = input.columns.some((candidate) => candidate.name === column && candidate.notNull)
    outputs.set(column, { name: item.name, type: typeOf(i), notNull })
  })
  const [best] = keysOf(input)
    .filter((key) => key.every((column) => outputs.has(column)))
    .toSorted((a, b) => a.length - b.length)
  const usable = best?.every((column) => outputs.get(column)?.type.canonical !== null)
  if (best === undefined || usable !== true)
    return rowKey(
      items.map((item, i) => ({ name: item.name, type: typeOf(i) })),
      apart,
    )
  return chooseKey(
    best.flatMap((column) => outputs.get(column) ?? []),
    (name) => name,
  )
}
