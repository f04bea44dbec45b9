import { raw } from '@freshet/core'
import type { Shop } from './shop.fixture.ts'

/** How a feed is read over HTTP, and what must come of it: the table. */
export const TOKEN = 'a-secret-of-some-length'

export interface Event {
  readonly event: string
  readonly id: string | null
  readonly data: string
}

/** Of a response, one after the other, by the rules of the HTML standard for what the scheduler sends. */
export async function* eventsOf(response: Response): AsyncGenerator<Event, void, void> {
  if (response.body === null) throw new Error('the response has no body')
  let text = ''
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) =>
        fields.flatMap((line) => (line.startsWith(`${name}:`) ? line.slice(name.length + 1).trim() : []))
      const data = field('data').join('\n')
      if (data !== '') yield { event: field('event')[0] ?? 'message', id: field('id')[0] ?? null, data }
    }
  }
}

/** What a reader holds: rows as JSON, and how often each. */
export class Copy {
  readonly rows = new Map<string, number>()
  token: string | null = null
  #complete = true

  apply({ event, id, data }: Event): void {
    const page = JSON.parse(data) as { changes: { weight: number; row: object }[]; complete: boolean }
    if (event === 'snapshot' && this.#complete) this.rows.clear()
    for (const { weight, row } of page.changes) {
      const text = JSON.stringify(row)
      const count = (this.rows.get(text) ?? 0) + weight
      if (count === 0) this.rows.delete(text)
      else this.rows.set(text, count)
    }
    this.#complete = page.complete
    this.token = id ?? this.token
  }

  sorted(): string[] {
    return [...this.rows].flatMap(([row, count]) => Array.from({ length: count }, () => row)).sort()
  }
}

/** The table itself, as its feed would tell it. */
export async function tableRows(shop: Shop, name: string): Promise<string[]> {
  const rows = await shop.freshet.database.query(raw(`select * from ${name}`))
  const visible = (row: object) => Object.entries(row).filter(([column]) => !column.startsWith('__'))
  return rows.map((row) => JSON.stringify(Object.fromEntries(visible(row)))).sort()
}
