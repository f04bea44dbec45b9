/** One figure beside its rival of the same run. `ratio` says what the suite's header says. */
export interface Measurement {
  readonly suite: string
  readonly case: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly baseline: number | null
  readonly ratio: number | null
}

export type Report = (measurement: Measurement) => void

export function jsonReport(measurement: Measurement): void {
  console.log(JSON.stringify(measurement))
}

/** What `jsonReport` wrote; other lines are left out. */
export function parseReport(lines: string): Measurement[] {
  return lines.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Measurement] : []))
}

const WIDTHS = [10, 30, 24, 12, 12, 12, 8] as const

export function tableHeader(): void {
  row(['suite', 'case', 'metric', 'value', 'unit', 'baseline', 'ratio'])
}

export function tableReport(measurement: Measurement): void {
  const number = (value: number | null) =>
    value === null ? '-' : value.toLocaleString('en', { maximumSignificantDigits: 4 })
  const { suite, metric, value, unit, baseline, ratio } = measurement
  row([suite, measurement.case, metric, number(value), unit, number(baseline), number(ratio)])
}

function row(cells: readonly string[]): void {
  console.log(
    cells.map((cell, i) => (i < 3 || i === 4 ? cell.padEnd(WIDTHS[i] ?? 0) : cell.padStart(WIDTHS[i] ?? 0))).join(' '),
  )
}

/** Keeps four digits: more would pretend to a precision that no machine has. */
export function measurement(
  fields: Omit<Measurement, 'ratio' | 'baseline'> & { readonly baseline?: number; readonly ratio?: number },
): Measurement {
  const digits = (value: number | undefined) => (value === undefined ? null : Number(value.toPrecision(4)))
  return {
    ...fields,
    value: Number(fields.value.toPrecision(4)),
    baseline: digits(fields.baseline),
    ratio: digits(fields.ratio),
  }
}

/** Of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1)
  if (middle.length === 0) throw new RangeError('no values were measured')
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

export function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * rank))]
  if (value === undefined) throw new RangeError('no values were measured')
  return value
}

export async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
