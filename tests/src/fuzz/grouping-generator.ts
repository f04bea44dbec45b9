import type { Random } from '@freshet/testkit'
import type { Column } from './expression.ts'

/** GROUPING SETS, CUBE, ROLLUP and their combinations over some keys, with `grouping()` as further columns. */
export function groupingSets(random: Random, keys: readonly Column[]): { groupBy: string[]; columns: Column[] } {
  const names = keys.map((key) => key.sql)
  const some = () => random.sample(names, random.int(0, names.length)).join(', ')
  const all = names.join(', ')
  const groupBy = random.weighted<() => string[]>([
    [4, () => [`rollup (${all})`]],
    [3, () => [`cube (${all})`]],
    [
      5,
      () => [`grouping sets ((${all}), ${Array.from({ length: random.int(1, 2) }, () => `(${some()})`).join(', ')})`],
    ],
    [1, () => [`grouping sets (rollup (${all}), (${names[0]}))`]],
    [1, () => [`grouping sets ((${all}), ())`, ...names.slice(0, 1)]],
    [1, () => [`rollup (${all})`, `cube (${names[0]})`]],
    [names.length > 1 ? 2 : 0, () => [names[0] ?? '', `rollup (${names.slice(1).join(', ')})`]],
    [names.length > 1 ? 1 : 0, () => [`rollup ((${all}))`]],
  ])()
  // sets that are the same are taken once
  if (random.chance(0.15)) groupBy[0] = `distinct ${groupBy[0] ?? ''}`
  const marks = random.sample(names, random.int(1, names.length)).join(', ')
  return { groupBy, columns: random.chance(0.4) ? [{ sql: `grouping(${marks})`, type: 'int' }] : [] }
}
