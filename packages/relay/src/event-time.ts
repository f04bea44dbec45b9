/** Times of events: ISO 8601 in UTC with microseconds, which JavaScript's dates have not. */
const FORM = /^(.+)\.(\d{3})(\d{3})Z$/

/** Microseconds since 1970, as text. */
export function toMicroseconds(at: string): string {
  const [, seconds, milliseconds, micro] = FORM.exec(at) ?? []
  if (seconds === undefined) return `${Date.parse(at)}000`
  return String(BigInt(Date.parse(`${seconds}.${milliseconds}Z`)) * 1_000n + BigInt(micro ?? 0))
}

export function fromMicroseconds(text: string): string {
  const all = BigInt(text)
  const micro = ((all % 1_000n) + 1_000n) % 1_000n
  const iso = new Date(Number((all - micro) / 1_000n)).toISOString()
  return iso.replace('Z', `${String(micro).padStart(3, '0')}Z`)
}
