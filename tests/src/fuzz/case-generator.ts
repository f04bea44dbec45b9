import { random, type Random } from '@freshet/testkit'
import { keys, randomSteps, type Keys } from './changes.ts'
import { partition } from './partition-law.ts'
import { printQuery, type Query } from './query.ts'
import type { Scope } from './expression.ts'
import { ALL_FEATURES, type Features } from './features.ts'
import type { Source } from './generated.ts'
import { QueryGenerator } from './query-generator.ts'
import { createTable, randomRow, randomTable, type Table } from './table.ts'
import { TYPE_SETUP } from './type.ts'
import type { FuzzCase, Step, Stream } from './case.ts'

export function generateCase(seed: number, features: Features = ALL_FEATURES): FuzzCase {
  const r = random(seed)
  const tables = Array.from({ length: r.int(2, 4) }, (_, i) => randomTable(r, i + 1))
  const numbers = keys()
  const fill = tables.map((table) => {
    const count = r.weighted([
      [4, 0],
      [96, r.int(5, 18)],
    ])
    return { table: table.sql, rows: Array.from({ length: count }, () => randomRow(r, table, numbers.next(table))) }
  })

  const sources = tables.map((table): Source => {
    const source = { sql: table.sql, columns: table.columns, rows: 16 }
    return table.key.length > 0 ? { ...source, key: table.key } : source
  })
  const generator = new QueryGenerator(r, r.chance(0.15) ? new Set() : features)
  const views = r.chance(0.25) ? [view(generator, sources)] : []
  const made = Array.from(
    {
      length: r.weighted([
        [50, 1],
        [35, 2],
        [15, 3],
      ]),
    },
    (_, i) => stream(r, generator, sources, i + 1),
  )
  const [first] = made
  const law = first !== undefined && made.length === 1 && r.chance(0.15)
  const streams = [...made.map((each) => each.stream), ...(law ? partition(r, first.stream, first.columns) : [])]
  const texts = [...views, ...streams].map(({ query }) => printQuery(query)).join('\n')
  const used = tables.filter(({ sql }) => texts.includes(sql))
  const changed = r.chance(0.9) && used.length > 0 ? used : tables
  const subject: FuzzCase = {
    seed,
    setup: [...TYPE_SETUP, ...tables.map(createTable)],
    fill: fill.filter(({ rows }) => rows.length > 0),
    views,
    streams,
    ...(law ? { laws: [{ whole: 0, parts: [1, 2, 3] }] } : {}),
    steps: steps(r, changed, numbers, streams.length),
  }
  return r.chance(0.35) ? { ...subject, smallDeltaRows: r.int(0, 4) } : subject

  function steps(random: Random, written: readonly Table[], numbering: Keys, count: number): Step[] {
    const first = randomSteps(random, written, numbering, count, random.int(8, 26))
    if (!random.chance(0.3)) return first
    // the last stream table comes late, to sources that are captured already
    const late = count - 1
    const early =
      late === 0
        ? first.filter((step) => step.do === 'sql')
        : first.filter((step) => step.do === 'sql' || ('stream' in step && step.stream !== late))
    return [
      ...early,
      { do: 'create', stream: late },
      ...randomSteps(random, written, numbering, count, random.int(5, 14)),
    ]
  }
}

function view(generator: QueryGenerator, sources: Source[]): { name: string; query: Query } {
  const { query, columns, rows } = generator.query(sources, 1)
  sources.push({ sql: 'fz.v1', columns, rows })
  return { name: 'fz.v1', query }
}

interface Made {
  readonly stream: Stream
  readonly columns: Scope
}

/** Adds itself to the sources of those that follow, at times twice, so that chains and diamonds are common. */
function stream(r: Random, generator: QueryGenerator, sources: Source[], number: number): Made {
  const depth = r.weighted([
    [30, 0],
    [42, 1],
    [18, 2],
    [7, 3],
    [3, 4],
  ])
  const name = `fz.${r.chance(0.9) ? `st${number}` : `"St ${number}"`}`
  const { query, columns, rows } = generator.query(sources, depth)
  sources.push(...Array.from({ length: r.int(1, 3) }, () => ({ sql: name, columns, rows })))
  const mode = r.weighted<Stream['mode']>([
    [70, 'auto'],
    [27, 'immediate'],
    [3, 'full'],
  ])
  return { stream: { name, query, mode, mayBeFull: mode === 'full' }, columns }
}
