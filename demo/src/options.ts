import { FreshetError } from '@freshet/core'

export interface DemoOptions {
  /** Ends by itself after so long; null: when it is told to. */
  readonly seconds: number | null
  readonly rowsPerSecond: number
}

const DEFAULT_ROWS_PER_SECOND = 1_000

export function readOptions(environment: Readonly<Record<string, string | undefined>>): DemoOptions {
  return {
    seconds: positive(environment, 'FRESHET_DEMO_SECONDS', 86_400 * 7),
    rowsPerSecond: positive(environment, 'FRESHET_DEMO_RATE', 100_000) ?? DEFAULT_ROWS_PER_SECOND,
  }
}

function positive(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  most: number,
): number | null {
  const text = environment[name]
  if (text === undefined || text === '') return null
  const value = Number(text)
  if (value > 0 && value <= most) return value
  throw new FreshetError('USAGE', `${name} can not be ${text}`, { hint: `It takes a number above 0, up to ${most}.` })
}
