import type { Random } from '@freshet/testkit'
import type { Column } from './expression.ts'
import { ALL_TYPES, literal, TYPES, type Profile, type TypeName } from './type.ts'

/** Random base tables: with and without primary keys, names that need quotes, columns of every distribution. */
export interface Table {
  /** With its schema: `fz.t1`. */
  readonly sql: string
  readonly key: readonly string[]
  readonly columns: readonly TableColumn[]
}

export interface TableColumn extends Column {
  readonly profile: Profile
  readonly notNull: boolean
  readonly part: 'key' | 'data'
}

const AWKWARD_NAMES = ['"Order"', '"a.b"', '"select"', '"größe"', 'value', '"x""y"', 'n', 'w']
const KEYABLE: readonly TypeName[] = ['int', 'bigint', 'text', 'date', 'enum', 'domain']

export function randomTable(random: Random, index: number): Table {
  const sql = `fz.${random.chance(0.1) ? `"T ${index}"` : `t${index}`}`
  const keyed = random.chance(0.65)
  const keyTypes: TypeName[] = !keyed ? [] : random.chance(0.75) ? ['int'] : ['int', random.pick(KEYABLE)]
  const key = keyTypes.map((type, i) => column(`k${i + 1}`, type, 'even', true, 'key'))
  const awkward = random.shuffle(AWKWARD_NAMES)
  const data = Array.from({ length: random.int(1, 5) }, (_, i) => {
    const name = random.chance(0.12) ? (awkward[i] ?? `c${i}`) : `c${i + 1}`
    const type = random.weighted<TypeName>([
      [30, 'int'],
      [8, 'numeric'],
      [10, 'text'],
      [52, random.pick(ALL_TYPES)],
    ])
    const profile = random.pick<Profile>(['even', 'skewed', 'null-heavy', 'duplicate-heavy'])
    return column(name, type, profile, profile !== 'null-heavy' && random.chance(0.15), 'data')
  })
  return { sql, key: key.map((part) => part.sql), columns: random.chance(0.8) ? [...key, ...data] : [...data, ...key] }
}

function column(sql: string, type: TypeName, profile: Profile, notNull: boolean, part: 'key' | 'data'): TableColumn {
  return { sql, type, profile, notNull, part }
}

export function createTable({ sql, columns, key }: Table): string {
  const parts = columns.map((each) => `${each.sql} ${TYPES[each.type].sql}${each.notNull ? ' not null' : ''}`)
  if (key.length > 0) parts.push(`primary key (${key.join(', ')})`)
  return `create table ${sql} (${parts.join(', ')})`
}

/** One row as `(…, …)`. `next` numbers the rows of a keyed table, so that most inserts succeed. */
export function randomRow(random: Random, table: Table, next: () => number): string {
  const values = table.columns.map((each) => {
    if (each.part === 'key' && each.type === 'int') return String(random.chance(0.03) ? random.int(1, 20) : next())
    return literal(random, each.type, each.profile, each.notNull)
  })
  return `(${values.join(', ')})`
}
