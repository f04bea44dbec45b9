import fc from 'fast-check'
import { type ChangeEvent, jsonText, type MessageEvent } from '../event.ts'

/** Events of every kind, for properties. */

/** Numbers as a server prints them, with more digits than JavaScript has. */
const numeric = fc
  .tuple(fc.bigInt(-(10n ** 30n), 10n ** 30n), fc.stringMatching(/^(\.\d{1,20})?$/))
  .map(([whole, fraction]) => `${whole}${fraction}`)
const timestamp = fc.stringMatching(/^20\d\d-0[1-9]-1\dT0\d:[0-5]\d:[0-5]\d\.\d{6}Z$/)
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 8 })
  .filter((text) => text !== '__proto__' && !/\p{Surrogate}/u.test(text))
const leaf = fc.oneof(
  numeric,
  timestamp.map((text) => JSON.stringify(text)),
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('null', 'true', 'false', '[]', '{}', '1e400', '-0', '1.0', '1.00'),
)
const objectOf = (values: fc.Arbitrary<string>) =>
  fc
    .uniqueArray(fc.tuple(name, values), { selector: ([key]) => key, maxLength: 4 })
    // JavaScript puts keys that look like indexes first
    .map((members) => members.filter(([key]) => !/^\d+$/.test(key)))
    .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`)
const row = objectOf(leaf).map(jsonText)
const value = fc
  .oneof(
    leaf,
    row.map(({ json }) => json),
    objectOf(row.map(({ json }) => json)),
  )
  .map(jsonText)
const base = {
  id: fc.string({ minLength: 1 }),
  origin: fc.record({ database: fc.string(), schema: fc.string(), table: fc.string() }),
  topic: fc.string({ unit: 'grapheme' }),
  key: fc.option(fc.string({ unit: 'grapheme' })),
  // `content-type` is the relay's
  headers: fc.dictionary(
    name.filter((text) => text !== 'content-type'),
    fc.string({ unit: 'grapheme' }),
    { noNullPrototype: true },
  ),
  at: timestamp,
}
export const messages: fc.Arbitrary<MessageEvent> = fc.record({
  ...base,
  kind: fc.constant('message'),
  payload: fc.oneof(
    value.filter(({ json }) => json !== 'null'),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.constant(null),
  ),
})
export const changes: fc.Arbitrary<ChangeEvent> = fc.record({
  ...base,
  kind: fc.constant('change'),
  op: fc.constantFrom('read', 'insert', 'update', 'delete'),
  before: fc.option(row),
  after: fc.option(row),
})
