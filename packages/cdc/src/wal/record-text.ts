/**
 * Rows as PostgreSQL writes an array of records: one parameter for many rows, in which each value is the text that its
 * type's input function takes. So a value passes from one output function to one input function and is never converted.
 */
export function recordText(values: readonly (string | null)[]): string {
  let text = '('
  for (const [i, value] of values.entries()) {
    if (i > 0) text += ','
    if (value !== null) text += PLAIN.test(value) ? value : quoted(value)
  }
  return `${text})`
}

export function arrayOfRecords(records: readonly string[]): string {
  return `{${records.map(quoted).join(',')}}`
}

/** What needs no quotes in a record: most numbers, times and words. */
const PLAIN = /^[\w.:+-]+$/
const SPECIAL = /["\\]/g

function quoted(value: string): string {
  return value.includes('"') || value.includes('\\') ? `"${value.replaceAll(SPECIAL, '\\$&')}"` : `"${value}"`
}
