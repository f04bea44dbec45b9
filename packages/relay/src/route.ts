import type { RelayEvent } from './event.ts'
import { filled, placesOf } from './template.ts'

/**
 * Where an event goes, as templates: `{topic}`, `{key}`, `{schema}`, `{table}`, `{op}` and `{header:NAME}` stand for what the
 * event has. A key that is `{key}` alone may be none.
 */
export interface Route {
  readonly topic: string
  readonly key: string
}

const KNOWN = /^(topic|key|schema|table|op|header:.+)$/

/** What is wrong with a template, or null. */
export function checkTemplate(template: string): string | null {
  const unknown = placesOf(template).find((name) => !KNOWN.test(name))
  if (unknown !== undefined)
    return `there is no {${unknown}}; there are {topic}, {key}, {schema}, {table}, {op} and {header:NAME}`
  return template === '' ? 'must not be empty' : null
}

export function routed(
  event: RelayEvent,
  { topic, key }: Route,
): { readonly topic: string; readonly key: string | null } {
  return {
    topic: topic === '{topic}' ? event.topic : ofEvent(event, topic),
    key: key === '{key}' ? event.key : ofEvent(event, key),
  }
}

function ofEvent(event: RelayEvent, template: string): string {
  return filled(template, (place) => {
    switch (place) {
      case 'topic':
        return event.topic
      case 'key':
        return event.key ?? ''
      case 'schema':
        return event.origin.schema
      case 'table':
        return event.origin.table
      case 'op':
        return event.kind === 'change' ? event.op : 'message'
      default:
        return event.headers[place.slice('header:'.length)] ?? ''
    }
  })
}
