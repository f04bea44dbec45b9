/** Columns side by side, numbers to the right; without colours, so that widths are true. */
export type Align = 'left' | 'right'

export function textTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Align[],
): string[] {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    widths
      .map((width, i) => (align[i] === 'right' ? (cells[i] ?? '').padStart(width) : (cells[i] ?? '').padEnd(width)))
      .join('  ')
      .trimEnd()
  return [line(headings), ...rows.map(line)]
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

export function ms(value: number | null): string {
  if (value === null) return '–'
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)} s`
  return value >= 10 ? `${count(value)} ms` : `${value.toFixed(1)} ms`
}

export function flightTime(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString().slice(0, 16).replace('T', ' ') : '–'
}
