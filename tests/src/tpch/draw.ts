/**
 * Random values that are expressions of SQL: the server draws them itself, a row at a time, from the row's key, so a
 * table of any size is one INSERT … SELECT. The same key, name and seed give the same value on every server.
 */
export interface Draws {
  /** A whole number from `low` to `high`, both included. `key` is an SQL expression of type bigint or int. */
  int(key: string, name: string, low: number, high: number): string
  pick(key: string, name: string, items: readonly string[]): string
  /** `count` words with blanks between them. */
  words(key: string, name: string, items: readonly string[], count: number): string
}

export function draws(seed: number): Draws {
  const int = (key: string, name: string, low: number, high: number) =>
    `(${low} + abs(hashint8extended(${key}, ${salt(seed, name)}) % ${high - low + 1}))`
  const pick = (key: string, name: string, items: readonly string[]) =>
    `(array[${items.map((item) => `'${item}'`).join(',')}])[${int(key, name, 1, items.length)}]`
  const words = (key: string, name: string, items: readonly string[], count: number) =>
    Array.from({ length: count }, (_, i) => pick(key, `${name}.${i}`, items)).join(` || ' ' || `)
  return { int, pick, words }
}

/** FNV-1a over the seed and the name; positive, and small enough for a literal of type int. */
export function salt(seed: number, name: string): number {
  let hash = 0x811c9dc5
  for (const character of `${seed}/${name}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 0) % 0x7fff_ffff
}
