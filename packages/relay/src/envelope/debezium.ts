import type { ChangeOp, RelayEvent } from '../event.ts'
import { toMicroseconds } from '../event-time.ts'
import type { Format } from './format.ts'
import { base64, object, quoted, verbatim } from './json.ts'

/**
 * As Debezium's JSON converter writes changes without schemas: `before`, `after`, `op`, `source`. A message of an outbox is
 * what its event router makes of one: the payload is the value, and null a tombstone; bytes are base64 text, as its JSON
 * converter writes them.
 */
export const DEBEZIUM_VERSION = 1
export const CONNECTOR = 'freshet'

export const debezium: Format = {
  contentType: 'application/json',
  encode: (event) => {
    if (event.kind === 'message') {
      if (event.payload === null) return null
      return event.payload instanceof Uint8Array ? base64(event.payload) : event.payload.json
    }
    return object({
      before: verbatim(event.before),
      after: verbatim(event.after),
      op: quoted(OPS[event.op]),
      ...timeOf(event),
      source: sourceOf(event),
    })
  },
}

/** Debezium has both. */
function timeOf({ at }: RelayEvent) {
  return { ts_ms: String(Date.parse(at)), ts_us: toMicroseconds(at) }
}

const OPS: Readonly<Record<ChangeOp, string>> = { read: 'r', insert: 'c', update: 'u', delete: 'd' }

function sourceOf(event: RelayEvent & { readonly op: ChangeOp }): string {
  const { database, schema, table } = event.origin
  return object({
    version: quoted(String(DEBEZIUM_VERSION)),
    connector: quoted(CONNECTOR),
    name: quoted('freshet'),
    ...timeOf(event),
    snapshot: quoted(event.op === 'read' ? 'true' : 'false'),
    db: quoted(database),
    schema: quoted(schema),
    table: quoted(table),
    event_id: quoted(event.id),
  })
}
