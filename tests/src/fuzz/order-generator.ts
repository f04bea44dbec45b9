import type { Random } from '@freshet/testkit'
import { expression, someType, type Scope } from './expression.ts'
import { TYPES } from './type.ts'
import { sorted } from './window-generator.ts'

/**
 * ORDER BY … LIMIT and DISTINCT ON with one answer only: ordered by anything first, and then by every output, so that
 * rows which tie are alike; or with all those that tie.
 */
export function limited(random: Random, outputs: Scope, hidden: Scope): string[] {
  if (outputs.some(({ type }) => !TYPES[type].comparable)) return []
  const positions = random.shuffle(outputs.map((_, i) => String(i + 1)))
  const first = hidden.length > 0 && random.chance(0.4) ? [anything(random, hidden)] : []
  const total = [...first, ...positions].map((sql) => sorted(random, sql))
  const count = random.weighted([
    [90, String(random.int(1, 6))],
    [3, '0'],
    [3, '1 + 1'],
    [4, 'null'],
  ])
  const offset = `offset ${random.int(1, 3)}`
  return random.weighted([
    [50, [`order by ${total.join(', ')}`, `limit ${count}`]],
    [20, [`order by ${total.join(', ')}`, `limit ${count}`, offset]],
    [5, [`order by ${total.join(', ')}`, offset]],
    [20, [`order by ${total[0] ?? '1'}`, `fetch first ${random.int(1, 4)} rows with ties`]],
    [5, [`order by ${total.join(', ')}`, `offset 1 rows fetch first ${random.int(1, 4)} rows with ties`]],
  ])
}

/** The keys of DISTINCT ON, and the order that it takes the first row of. */
export function firstOfEach(random: Random, outputs: Scope, scope: Scope): { on: string[]; tail: string[] } {
  const on = Array.from({ length: random.int(1, 2) }, () => anything(random, scope))
  const keys = [...new Set(on)]
  const hidden = random.chance(0.5) ? [sorted(random, anything(random, scope))] : []
  const every = outputs.map(({ sql }) => sorted(random, sql))
  return { on: keys, tail: [`order by ${[...keys.map((sql) => sorted(random, sql)), ...hidden, ...every].join(', ')}`] }
}

/** Not a constant, which ORDER BY would take for a position or refuse. */
function anything(random: Random, scope: Scope): string {
  const sql = expression(random, scope, someType(random, scope, true), random.chance(0.7) ? 0 : 1)
  if (scope.some((column) => sql.includes(column.sql))) return sql
  const comparable = scope.filter(({ type }) => TYPES[type].comparable)
  return comparable.length > 0 ? random.pick(comparable).sql : `(${sql})::text`
}
