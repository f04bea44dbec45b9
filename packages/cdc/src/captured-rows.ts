import { type Fragment, identifier, join, raw, sql } from '@freshet/core'
import { keptValue, typedNull } from './kept-value.ts'
import type { SourceColumn } from './source-facts.ts'

/** How a trigger function reads the rows of its transition tables; `capture-body.ts` says why so. */
export interface Reading {
  readonly first?: Fragment
  /** Columns beside those that are captured. */
  readonly more?: readonly Fragment[]
  readonly last?: Fragment
}

export const NUMBERED: Reading = { first: raw('row_number() over () as i') }

/** The rows of a transition table, the captured columns as c1, c2, … */
export function values(
  stableName: string,
  table: string,
  row: string,
  columns: readonly SourceColumn[],
  reading: Reading = {},
): Fragment {
  const read = columns.map(({ name, type, expression }, i) => {
    const value =
      expression === null
        ? keptValue(stableName, columns, i, identifier(name))
        : sql`cast((${raw(expression)}) as ${raw(type)})`
    return sql`${value} as ${raw(`c${i + 1}`)}`
  })
  const all = [...(reading.first === undefined ? [] : [reading.first]), ...read, ...(reading.more ?? [])]
  return sql`lateral (select ${join(all)} from ${raw(table)} ${reading.last ?? raw('')}) as ${raw(row)}`
}

/** A null for each captured column, for names that the source no longer has. */
export function nulls(stableName: string, columns: readonly SourceColumn[]): Fragment {
  return sql`(select ${join(columns.map(({ name }, i) => sql`${typedNull(stableName, columns, i)} as ${identifier(name)}`))}) as d`
}

export function differ(columns: readonly SourceColumn[]): Fragment {
  return sql`pg_catalog.record_image_ne(row(${each(columns, valueOf('o'))}), row(${each(columns, valueOf('n'))}))`
}

export function valueOf(row: string): (position: number) => Fragment {
  return (position) => raw(`${row}.c${position + 1}`)
}

export function each(columns: readonly SourceColumn[], column: (position: number) => Fragment): Fragment {
  return join(columns.map((_, position) => column(position)))
}
