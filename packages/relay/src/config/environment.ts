/**
 * `${ENV:NAME}` in the strings of a document, wherever they are. What was put in is a secret from then on: `redact` takes it
 * out of whatever is told.
 */
export interface Environment {
  readonly document: unknown
  /** Of variables that are not there, each with the paths where it is asked for. */
  readonly missing: readonly { readonly name: string; readonly path: string }[]
  readonly secrets: readonly string[]
}

const REFERENCE = /\$\{ENV:([^}]*)\}/g
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export function withEnvironment(document: unknown, env: Readonly<Record<string, string | undefined>>): Environment {
  const missing: { name: string; path: string }[] = []
  const secrets = new Set<string>()
  const walk = (value: unknown, path: readonly (string | number)[]): unknown => {
    if (typeof value === 'string')
      return value.replaceAll(REFERENCE, (_whole, name: string) => {
        const found = NAME.test(name) ? env[name] : undefined
        if (found === undefined) missing.push({ name, path: printPath(path) })
        else secrets.add(found)
        return found ?? ''
      })
    if (Array.isArray(value)) return value.map((one, i) => walk(one, [...path, i]))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one, [...path, name])]))
  }
  return { document: walk(document, []), missing, secrets: [...secrets] }
}

/** `relays.orders.sink.brokers[0]` */
export function printPath(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  return text.replace(/^\./, '')
}

/** Short ones are not secrets, and taking them out would leave nothing to read. */
const SHORTEST = 4

export function redact(text: string, secrets: readonly string[]): string {
  let told = text
  for (const secret of [...secrets].sort((a, b) => b.length - a.length))
    if (secret.length >= SHORTEST) told = told.replaceAll(secret, '[redacted]')
  return told.replaceAll(/\b([a-z][a-z0-9+]*:\/\/[^:@/\s]*):[^@/\s]+@/gi, '$1:[redacted]@')
}
