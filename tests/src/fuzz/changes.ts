import type { Random } from '@freshet/testkit'
import { expression, predicate } from './expression.ts'
import type { Step } from './case.ts'
import { randomRow, type Table } from './table.ts'

/**
 * Random work of several writers, one step at a time: autocommit statements and transactions that stay open while
 * others commit and stream tables are refreshed, with savepoints, roll-backs and two-phase commit.
 */
export interface Keys {
  next(table: Table): () => number
}

export function keys(): Keys {
  const counters = new Map<string, number>()
  return {
    next: (table) => () => {
      const value = (counters.get(table.sql) ?? 0) + 1
      counters.set(table.sql, value)
      return value
    },
  }
}

function randomStatement(random: Random, table: Table, numbers: Keys): string {
  const row = () => randomRow(random, table, numbers.next(table))
  const rows = (most: number) => Array.from({ length: random.int(1, most) }, row).join(', ')
  // a few rows wherever they are, rows that a condition chooses, rarely all
  const some = () =>
    `ctid in (select ctid from ${table.sql} order by ctid offset ${random.int(0, 8)} limit ${random.int(1, 3)})`
  const where = () =>
    random.weighted([
      [50, ` where ${some()}`],
      [45, ` where ${predicate(random, table.columns, 1)}`],
      [5, ''],
    ])
  const data = table.columns.filter((column) => column.part === 'data')
  const assignments = () =>
    random
      .sample(data, random.int(1, 2))
      .map((column) => {
        // a domain, a NOT NULL column: what an expression gives might be refused
        const value = expression(random, table.columns, column.type, 1)
        return `${column.sql} = ${column.notNull ? `coalesce(${value}, ${column.sql})` : value}`
      })
      .join(', ')
  const forms: [number, () => string][] = [
    [34, () => `insert into ${table.sql} values ${rows(4)}`],
    [28, () => `update ${table.sql} set ${assignments()}${where()}`],
    [20, () => `delete from ${table.sql}${where()}`],
    [5, () => `update ${table.sql} set ${random.pick(data).sql.replace(/.*/s, (name) => `${name} = ${name}`)}`],
  ]
  if (table.key.length === 0) forms.push([6, () => `insert into ${table.sql} select * from ${table.sql} limit 3`])
  else {
    const [first] = table.key
    const set = data.map(({ sql }) => `${sql} = excluded.${sql}`).join(', ')
    forms.push(
      [5, () => `insert into ${table.sql} values ${row()} on conflict (${table.key.join(', ')}) do update set ${set}`],
      [2, () => `update ${table.sql} set ${first} = ${first} + 1000 where ${first} % 7 = ${random.int(0, 6)}`],
    )
  }
  return random.weighted(forms)()
}

/** Steps of the writers until `length` is reached; every transaction has ended when it returns. */
export function randomSteps(
  random: Random,
  tables: readonly Table[],
  numbers: Keys,
  streams: number,
  length: number,
): Step[] {
  const steps: Step[] = []
  const open = new Map<number, number>() // writer → savepoints
  const prepared: string[] = []
  const writers = random.int(1, 3)
  const sql = (writer: number, text: string) => void steps.push({ do: 'sql', writer, sql: text })
  const statement = () => randomStatement(random, random.pick(tables), numbers)

  while (steps.length < length) {
    if (random.chance(0.22)) {
      steps.push({ do: 'refresh', stream: random.int(0, streams - 1), full: random.chance(0.04) })
      continue
    }
    const writer = random.int(0, writers - 1)
    const savepoints = open.get(writer)
    if (savepoints === undefined) {
      random.weighted<() => void>([
        [55, () => sql(writer, statement())],
        [
          40,
          () => {
            sql(writer, `begin isolation level ${random.chance(0.3) ? 'repeatable read' : 'read committed'}`)
            open.set(writer, 0)
          },
        ],
        // holds the strongest lock: nobody may be left waiting for it
        [open.size === 0 ? 4 : 0, () => sql(writer, truncation(random, tables, statement))],
        [
          prepared.length > 0 ? 30 : 0,
          () => sql(writer, `${random.chance(0.7) ? 'commit' : 'rollback'} prepared '${prepared.shift()}'`),
        ],
      ])()
      continue
    }
    random.weighted<() => void>([
      [60, () => sql(writer, statement())],
      [
        8,
        () => {
          sql(writer, `savepoint s${savepoints + 1}`)
          open.set(writer, savepoints + 1)
        },
      ],
      [
        savepoints > 0 ? 12 : 0,
        () => {
          sql(writer, `${random.chance(0.7) ? 'rollback to' : 'release'} savepoint s${savepoints}`)
          open.set(writer, savepoints - 1)
        },
      ],
      [
        22,
        () => {
          sql(writer, random.chance(0.75) ? 'commit' : 'rollback')
          open.delete(writer)
        },
      ],
      [
        3,
        () => {
          const gid = `fz_${steps.length}`
          sql(writer, `prepare transaction '${gid}'`)
          prepared.push(gid)
          open.delete(writer)
        },
      ],
    ])()
  }
  for (const writer of open.keys()) sql(writer, 'commit')
  for (const gid of prepared) sql(0, `commit prepared '${gid}'`)
  return steps
}

function truncation(random: Random, tables: readonly Table[], statement: () => string): string {
  const truncate = `truncate ${random.pick(tables).sql}`
  return random.chance(0.4)
    ? truncate
    : `begin; ${statement()}; ${truncate}; ${statement()}; ${random.chance(0.7) ? 'commit' : 'rollback'}`
}
