import type { Freshet } from '@freshet/client'
import { problem, renderProblem, usageError, type Problem } from '../problem.ts'
import type { Colors } from '../render/colors.ts'

/** Commands that work on several stream tables take names, or --all; never nothing. */
export interface Selection {
  readonly names: readonly string[]
  readonly all: boolean
}

export function selection(names: readonly string[], all: boolean | undefined): Selection {
  if (names.length > 0 && all) throw usageError('names and --all were both given', 'Give one or the other.')
  if (names.length === 0 && !all) throw usageError('no stream table was named', 'Give one or more names, or --all.')
  return { names, all: all === true }
}

export async function selectedNames(freshet: Freshet, { names, all }: Selection): Promise<readonly string[]> {
  return all ? (await freshet.list()).map((table) => table.name) : names
}

/** What became of one stream table: a failure of one does not keep the others from their turn. */
export type Attempt<T> =
  | { readonly name: string; readonly result: T }
  | { readonly name: string; readonly error: Problem }

/** A single one just fails, as any command does; of several, each is tried. */
export async function attemptEach<T>(
  names: readonly string[],
  work: (name: string) => Promise<T>,
): Promise<Attempt<T>[]> {
  const attempts: Attempt<T>[] = []
  for (const name of names) {
    try {
      attempts.push({ name, result: await work(name) })
    } catch (error) {
      if (names.length === 1) throw error
      attempts.push({ name, error: problem(error) })
    }
  }
  return attempts
}

/** For JSON: the name beside the fields of the result, or beside the error. */
export function reportOf<T extends object>(attempt: Attempt<T>): object {
  return 'error' in attempt ? attempt : { name: attempt.name, ...attempt.result }
}

export function renderAttempts<T>(
  attempts: readonly Attempt<T>[],
  render: (name: string, result: T, paint: Colors) => string,
  paint: Colors,
): string {
  if (attempts.length === 0) return 'There are no stream tables.'
  return attempts
    .map((attempt) =>
      'error' in attempt
        ? `${attempt.name}: ${renderProblem(attempt.error, paint)}`
        : render(attempt.name, attempt.result, paint),
    )
    .join('\n')
}
