import Table from 'cli-table3'
import type { Colors } from './colors.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

/** A table without lines: columns two spaces apart, as a human reads it and as `awk` does. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], paint: Colors): string {
  const grid = new Table({
    head: columns.map((column) => paint.bold(column.title)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  })
  grid.push(...rows.map((row) => [...row]))
  return grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

export type Fact = readonly [label: string, value: string | null]

/** `label  value` lines; a value of null is left out. */
export function facts(pairs: readonly Fact[], paint: Colors): string {
  const shown = pairs.filter(([, value]) => value !== null)
  const width = Math.max(...shown.map(([label]) => label.length))
  return shown.map(([label, value]) => `${paint.dim(label.padEnd(width))}  ${value}`).join('\n')
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}
