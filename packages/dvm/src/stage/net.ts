import type { TypeFacts } from '../facts.ts'
import { anyValue, q, select } from '../print/text.ts'

/**
 * Rows of a delta that cancel are taken out by their exact image, not by equality: 1.0 → 1.00 is a change, and a sum or
 * a text made of it can tell.
 */
export function netRows(rows: string, columns: readonly { readonly name: string; readonly type: TypeFacts }[]): string {
  const exact = columns.filter(({ type }) => type.equality === 'exact').map(({ name }) => q(name))
  const coarse = columns.filter(({ type }) => type.equality !== 'exact').map(({ name }) => q(name))
  const image = coarse.length === 0 ? [] : [`record_send(row(${coarse.join(', ')}))`]
  const values = columns.map(({ name, type }) =>
    type.equality === 'exact' ? q(name) : `${anyValue(q(name), type)} as ${q(name)}`,
  )
  return select({
    columns: [...values, 'sum(__w) as __w'],
    from: rows,
    groupBy: [...exact, ...image],
    having: ['sum(__w) <> 0'],
  })
}
