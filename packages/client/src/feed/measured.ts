import { type Fragment, FreshetError, join, type Queryable, raw, sql } from '@freshet/core'

/**
 * Pages that are bounded by the bytes of their rows, as JSON text, through a cursor. Each row says how much the next few
 * rows have together: 1 of them, some, a whole page. So as many are asked for as surely fit, nothing is sorted, and nothing
 * that is too large was in memory first. A row that is larger than a page is a page of its own.
 */
export interface MeasuredForm {
  readonly pageRows: number
  readonly pageBytes: number
}

export type MeasuredRow = Record<string, unknown> & {
  readonly __size: number
  /** Of so many rows as `stepsOf` says; null where no row follows. */
  readonly __ahead: readonly (number | null)[]
}

export function measured(rows: Fragment, form: MeasuredForm): Fragment {
  const ahead = stepsOf(form).map(
    (count) => sql`sum(octet_length(json)) over (rows between 1 following and ${raw(String(count))} following)`,
  )
  return sql`select *, octet_length(json)::float8 as __size, array[${join(ahead)}]::float8[] as __ahead from (${rows} offset 0) printed`
}

/** The rows of a page at most, and of these only what fits; without its text, the first that does not. */
export function ifItFits(rows: Fragment, { pageRows, pageBytes }: MeasuredForm): Fragment {
  return sql`
    select __w, __id, case when __fits then json end as json, __fits from (
      select *, sum(octet_length(json)) over (rows unbounded preceding) <= ${pageBytes}::float8 as __fits
      from (${rows} limit ${pageRows + 1}) printed
    ) summed`
}

export type Page = MeasuredRow[]

/** Gives all but the last page, which it returns. */
export async function measuredPages(
  transaction: Queryable,
  form: MeasuredForm,
  give: (page: Page) => Promise<void>,
): Promise<Page> {
  const fetch = (count: number) =>
    transaction.query<MeasuredRow>(sql`fetch forward ${raw(String(count))} from freshet_feed`)
  let page = await fetch(1)
  const [first] = page
  if (first === undefined) return []
  const more = following(first, form.pageBytes - first.__size, form)
  if (more > 0) page.push(...(await fetch(Math.min(more, Math.max(1, form.pageRows - 1)))))
  for (;;) {
    const last = page.at(-1)
    if (last === undefined) throw new FreshetError('INTERNAL', 'a cursor gave less than it had')
    if (last.__ahead.every((bytes) => bytes === null)) return page
    await give(page)
    page = await fetch(Math.max(1, following(last, form.pageBytes, form)))
  }
}

/** How many of the rows after it have room. */
function following({ __ahead: ahead }: MeasuredRow, room: number, form: MeasuredForm): number {
  const found = stepsOf(form).findIndex((_, i) => {
    const bytes = ahead[i]
    return typeof bytes === 'number' && bytes <= room
  })
  return stepsOf(form)[found] ?? 0
}

/** From the most to the least. */
function stepsOf({ pageRows }: Pick<MeasuredForm, 'pageRows'>): readonly number[] {
  return [...new Set([pageRows, pageRows >> 3, pageRows >> 6, 1].filter((count) => count > 0))]
}
