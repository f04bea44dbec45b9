import type { RelayEvent } from './event.ts'

/**
 * Where an event goes, as templates: `{topic}`, `{key}`, `{schema}`, `{table}`, `{op}` and `{header:NAME}` stand for what the
 * event has. A key that is `{key}` alone may be none.
 */
export interface Route {
  readonly topic: string
  readonly key: string
}

const PLACE = /\{([^{}]*)\}/g
const KNOWN = /^(topic|key|schema|table|op|header:.+)$/

/** What is wrong with a template, or null. */
export function checkTemplate(template: string): string | null {
  for (const [, name = ''] of template.matchAll(PLACE)) {
    if (!KNOWN.test(name))
      return `there is no {${name}}; there are {topic}, {key}, {schema}, {table}, {op} and {header:NAME}`
  }
  return template === '' ? 'must not be empty' : null
}

export function routed(
  event: RelayEvent,
  { topic, key }: Route,
): { readonly topic: string; readonly key: string | null } {
  return {
    topic: topic === '{topic}' ? event.topic : filled(event, topic),
    key: key === '{key}' ? event.key : filled(event, key),
  }
}

function filled(event: RelayEvent, template: string): string {
  return template.replaceAll(PLACE, (_whole, name: string) => {
    switch (name) {
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
        return event.headers[name.slice('header:'.length)] ?? ''
    }
  })
}
