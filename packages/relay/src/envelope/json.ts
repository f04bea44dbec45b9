import type { JsonText } from '../event.ts'

/** Objects of JSON text, put together from texts: members whose text is undefined are left out. */
export function object(members: Readonly<Record<string, string | undefined>>): string {
  let text = ''
  for (const [name, value] of Object.entries(members))
    if (value !== undefined) text += `${text === '' ? '' : ','}"${name}":${value}`
  return `{${text}}`
}

/** A string, or null. */
export function quoted(text: string | null): string {
  return JSON.stringify(text)
}

/** As it came. */
export function verbatim(value: JsonText | null): string {
  return value === null ? 'null' : value.json
}

export function base64(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`
}
