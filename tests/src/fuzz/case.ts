import { printQuery, type Query } from './query.ts'

/**
 * A case as data: everything that a run needs, nothing that the generator knows. So it can be stored, read, replayed
 * and made smaller. `fz.` stands for the schema that a run gives it.
 */
export interface FuzzCase {
  readonly seed: number
  /** Types and tables. */
  readonly setup: readonly string[]
  /** Rows that are there before any stream table. */
  readonly fill: readonly { readonly table: string; readonly rows: readonly string[] }[]
  readonly views: readonly { readonly name: string; readonly query: Query }[]
  readonly streams: readonly Stream[]
  /** view(p) ⊎ view(not p) ⊎ view(p is null) = view: the parts together are the whole. */
  readonly laws?: readonly { readonly whole: number; readonly parts: readonly number[] }[]
  readonly steps: readonly Step[]
  /**
   * The setting `small_delta_rows`, so that a few rows take the statements for many; what AUTO is asked for is then made
   * DIFFERENTIAL where it can be, for AUTO would take a full refresh. The default where it is left out.
   */
  readonly smallDeltaRows?: number
}

export interface Stream {
  readonly name: string
  readonly query: Query
  readonly mode: 'auto' | 'differential' | 'full' | 'immediate'
  /** The query, or a view of the case, has a part that need not be maintained differentially: FULL is no surprise. */
  readonly mayBeFull: boolean
}

export type Step =
  /** A statement of one of the writers; whether it succeeds is the server's matter, unless capture is to blame. */
  | { readonly do: 'sql'; readonly writer: number; readonly sql: string }
  /** Creates the stream table; streams without such a step are created before the first step. */
  | { readonly do: 'create'; readonly stream: number }
  /** Refreshes the stream table, and compares it with its query. */
  | { readonly do: 'refresh'; readonly stream: number; readonly full: boolean }
  | { readonly do: 'drop'; readonly stream: number }

/** The case as a script for people: what to paste into psql, with refreshes as comments. */
export function scriptOf(subject: FuzzCase): string {
  const lines = [
    'create schema fz;',
    ...subject.setup.map((statement) => `${statement};`),
    ...subject.fill.map(({ table, rows }) => `insert into ${table} values\n  ${rows.join(',\n  ')};`),
    ...subject.views.map(({ name, query }) => `create view ${name} as\n${printQuery(query)};`),
  ]
  subject.streams.forEach(({ name, query, mode }) =>
    lines.push(`-- stream table ${name} (${mode})\n${printQuery(query)};`),
  )
  for (const step of subject.steps) {
    if (step.do === 'sql') lines.push(`/* writer ${step.writer} */ ${step.sql};`)
    else
      lines.push(
        `-- ${step.do} ${subject.streams[step.stream]?.name}${step.do === 'refresh' && step.full ? ' (full)' : ''}`,
      )
  }
  return lines.join('\n')
}
