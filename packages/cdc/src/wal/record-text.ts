/**
 * Rows as PostgreSQL writes an array of records: one parameter for many rows, in which each value is the text that its
 * type's input function takes. So a value passes from one output function to one input function and is never converted.
 */

/** A record as an element of the array. */
export function recordText(values: readonly (string | null)[]): string {
  let text = '"('
  for (let i = 0; i < values.length; i++) {
    if (i > 0) text += ','
    const value = values[i] ?? null
    if (value !== null) text += PLAIN.test(value) ? value : quoted(value)
  }
  return `${text})"`
}

export function arrayOfRecords(records: readonly string[]): string {
  return `{${records.join(',')}}`
}

/** What needs no quotes in a record, and nothing in the array around it: most numbers, times and words. */
const PLAIN = /^[\w.:+-]+$/
const SPECIAL = /["\\]/g

/** Escaped for the record, and what that made once more for the array: three backslashes and the character. */
function quoted(value: string): string {
  return String.raw`\"${value.replaceAll(SPECIAL, String.raw`\\\$&`)}\"`
}
