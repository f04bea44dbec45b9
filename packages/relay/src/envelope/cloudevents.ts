import type { RelayEvent } from '../event.ts'
import type { Format } from './format.ts'
import { base64, object, quoted, verbatim } from './json.ts'

/**
 * CloudEvents 1.0 in structured JSON. `type` is the topic of a message, or `freshet.change.<op>`; the data of a change is
 * `{"before": …, "after": …}`. Headers have no place in it: they go beside it, as the sink has them.
 * Extension attributes tell a reader the version, and a message from a change.
 */
export const CLOUDEVENTS_VERSION = 1

export const cloudEvents: Format = {
  contentType: 'application/cloudevents+json',
  encode: (event) =>
    object({
      specversion: quoted('1.0'),
      id: quoted(event.id),
      source: quoted(sourceOf(event)),
      type: quoted(event.kind === 'change' ? `freshet.change.${event.op}` : event.topic),
      subject: event.key === null || event.key === '' ? undefined : quoted(event.key),
      time: quoted(event.at),
      freshetversion: quoted(String(CLOUDEVENTS_VERSION)),
      freshetkind: quoted(event.kind),
      ...dataOf(event),
    }),
}

/** A URI reference. */
function sourceOf({ origin }: RelayEvent): string {
  return `/freshet/${[origin.database, origin.schema, origin.table].map(encodeURIComponent).join('/')}`
}

function dataOf(event: RelayEvent): Readonly<Record<string, string | undefined>> {
  if (event.kind === 'change')
    return {
      datacontenttype: quoted('application/json'),
      data: object({ before: verbatim(event.before), after: verbatim(event.after) }),
    }
  if (event.payload === null) return {}
  if (event.payload instanceof Uint8Array) return { data_base64: base64(event.payload) }
  return { datacontenttype: quoted('application/json'), data: verbatim(event.payload) }
}
