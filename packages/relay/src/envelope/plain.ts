import type { Format } from './format.ts'

/** The payload alone, or the row after the change. A payload that is null and a row that left are tombstones. */
export const plain: Format = {
  contentType: 'application/json',
  encode: (event) => {
    const value = event.kind === 'change' ? event.after : event.payload
    if (value === null || value instanceof Uint8Array) return value
    return value.json
  },
}
