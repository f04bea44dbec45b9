/**
 * Column names that are unique in one plan: the first `qty` keeps its name, the next becomes `qty_2`.
 * Names stay within PostgreSQL's 63 bytes and never start with the two underscores of internal columns.
 */
export class Names {
  private readonly taken = new Set<string>()

  fresh(wish: string): string {
    const base = shorten(wish.startsWith('__') ? `c${wish}` : wish, 56)
    for (let n = 1; ; n++) {
      const name = n === 1 ? base : `${base}_${n}`
      if (this.taken.has(name)) continue
      this.taken.add(name)
      return name
    }
  }

  /** Another name for what has one: `qty_2` again is `qty_3`. */
  again(name: string): string {
    return this.fresh(name.replace(/_\d+$/, ''))
  }
}

const encoder = new TextEncoder()

function shorten(name: string, bytes: number): string {
  let short = name
  while (encoder.encode(short).length > bytes) short = [...short].slice(0, -1).join('')
  return short === '' ? 'column' : short
}
