import type { TypeFacts } from '../facts.ts'
import { isNull, nested, q, select, type Chain } from '../print/text.ts'
import { keyName, type Key } from './key.ts'

/**
 * Group recomputation: what will not add up is computed again, from the input after the change, for just the groups
 * whose step says `again`. Costs the rows of those groups; nothing is read when there are none.
 *
 * Groups are found by equality, so an index on the group columns serves. A group with a null in its key equals
 * nothing, so those few are looked up apart, by `is not distinct from`.
 */
export function groupsAgain(options: {
  readonly chain: Chain
  readonly step: string
  readonly keys: readonly GroupKey[]
  /** As one query or several: see `readInParts`. */
  readonly input: () => readonly string[]
  readonly needed: boolean
  readonly columns: readonly string[]
  readonly key: Key
  readonly decided: Decided
}): string | null {
  if (!options.needed) return null
  const names = options.keys.map((key) => key.name)
  const wanted = options.chain.add(
    'groups again',
    select({
      columns: names.map((name, i) => `${q(name)} as ${wantedName(i)}`),
      from: options.step,
      where: ['__again'],
    }),
  )
  const input = options.input()
  const some = `(select exists (select 1 from ${wanted}))`
  const rows = input
    .map((part) =>
      names.length === 0
        ? select({ columns: ['*'], from: `${nested(part)} r`, where: options.decided(some) })
        : matching(options.keys, part, wanted, options.decided),
    )
    .join('\nunion all\n')
  const grouped = select({
    columns: [...names.map(q), ...options.columns],
    from: `${nested(rows)} g`,
    groupBy: names.map(q),
  })
  const keyed = select({
    columns: ['*', ...options.key.columns.map((column, i) => `${column.value ?? 'null'} as ${keyName(i)}`)],
    from: `${nested(grouped)} k`,
  })
  return options.chain.add('groups computed again', keyed)
}

/** See `DeltaContext`. */
type Decided = (condition: string) => readonly string[]

export interface GroupKey {
  readonly name: string
  readonly notNull: boolean
  readonly type: TypeFacts
}

/** Rows of `input` whose key is among those wanted. */
export function matching(keys: readonly GroupKey[], input: string, wanted: string, decided: Decided): string {
  const equal = keys.map((key, i) => `r.${q(key.name)} = w.${wantedName(i)}`)
  // Asked once, before anything is read: where nothing is wanted, the input costs nothing.
  const some = `(select exists (select 1 from ${wanted}))`
  const plain = select({
    columns: ['r.*'],
    from: `${wanted} w\njoin ${nested(input)} r on ${equal.join(' and ')}`,
    where: decided(some),
  })
  const nullable = keys.flatMap((key, i) => (key.notNull ? [] : [isNull(`w.${wantedName(i)}`, key.type)]))
  if (nullable.length === 0) return plain
  const same = keys.map((key, i) =>
    key.notNull
      ? `r.${q(key.name)} = w.${wantedName(i)}`
      : `(r.${q(key.name)} = w.${wantedName(i)} or (${isNull(`r.${q(key.name)}`, key.type)} and ${isNull(`w.${wantedName(i)}`, key.type)}))`,
  )
  const anyNull = nullable.join(' or ')
  const withNull = select({
    columns: ['r.*'],
    from: `${wanted} w\njoin ${nested(input)} r on ${same.join(' and ')}`,
    where: [`(${anyNull})`, ...decided(`(select exists (select 1 from ${wanted} w where ${anyNull}))`)],
  })
  return `${plain}\nunion all\n${withNull}`
}

const wantedName = (i: number) => `__wanted_${i + 1}`
