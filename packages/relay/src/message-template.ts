import type { Message } from './message.ts'
import { filled, placesOf } from './template.ts'

/** Templates that a sink fills in with what a message has: `{topic}`, `{key}` and `{header:NAME}`; nothing where it has none. */
const KNOWN = /^(topic|key|header:.+)$/
const HEADER = 'header:'

/** What is wrong with a template, or null. */
export function checkMessageTemplate(template: string): string | null {
  const unknown = placesOf(template).find((name) => !KNOWN.test(name))
  return unknown === undefined ? null : `there is no {${unknown}}; there are {topic}, {key} and {header:NAME}`
}

export function ofMessage(template: string, { topic, key, headers }: Message): string {
  return filled(template, (place) => {
    if (place === 'topic') return topic
    return (place === 'key' ? key : headers[place.slice(HEADER.length)]) ?? ''
  })
}
