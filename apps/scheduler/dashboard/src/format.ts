/** Numbers and times as people read them. */
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

export function count(value: number): string {
  return Math.abs(value) < 100_000 ? whole.format(value) : short.format(value)
}

export function duration(ms: number | null): string {
  if (ms === null) return '–'
  if (ms === 0) return '< 1 ms'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`
  return `${Math.round(ms / 86_400_000)} d`
}

export function ago(iso: string, now: number): string {
  const ms = Math.max(now - Date.parse(iso), 0)
  return ms < 1_500 ? 'now' : `${duration(ms < 60_000 ? Math.round(ms / 1_000) * 1_000 : ms).replace('.0', '')} ago`
}

export function clockTime(iso: string): string {
  return new Date(iso).toLocaleTimeString('en-GB')
}

/** `public.orders` → the schema, to be shown quietly, and the table. */
export function nameParts(name: string): { readonly schema: string; readonly table: string } {
  const [, schema = '', table = name] = /^((?:"(?:[^"]|"")*"|[^."]+)\.)(.+)$/.exec(name) ?? []
  return { schema, table }
}
