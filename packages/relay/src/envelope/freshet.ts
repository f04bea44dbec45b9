import type { RelayEvent } from '../event.ts'
import type { Format } from './format.ts'
import { base64, object, quoted, verbatim } from './json.ts'

/**
 * Freshet's own envelope. It holds everything, and says its version: a reader refuses one that it does not know.
 *
 *   {"v":1,"id":…,"kind":"message","database":…,"schema":…,"table":…,"topic":…,"key":…,"headers":{…},"at":…,"payload":…}
 *   {"v":1,"id":…,"kind":"change", …, "op":"update","before":{…},"after":{…}}
 *
 * Bytes are `payload64`. A payload that is null is written as such, not as a tombstone; `plain` makes tombstones.
 */
export const ENVELOPE_VERSION = 1

export const freshet: Format = {
  contentType: 'application/vnd.freshet+json; version=1',
  encode: (event) => object({ v: String(ENVELOPE_VERSION), ...common(event), ...content(event) }),
}

function common({ id, kind, origin, topic, key, headers, at }: RelayEvent) {
  return {
    id: quoted(id),
    kind: quoted(kind),
    database: quoted(origin.database),
    schema: quoted(origin.schema),
    table: quoted(origin.table),
    topic: quoted(topic),
    key: quoted(key),
    headers: JSON.stringify(headers),
    at: quoted(at),
  }
}

function content(event: RelayEvent): Readonly<Record<string, string>> {
  if (event.kind === 'change')
    return { op: quoted(event.op), before: verbatim(event.before), after: verbatim(event.after) }
  if (event.payload instanceof Uint8Array) return { payload64: base64(event.payload) }
  return { payload: verbatim(event.payload) }
}
