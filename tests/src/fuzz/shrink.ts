import type { FuzzCase } from './case.ts'
import type { FromItem, Query, Select } from './query.ts'
import type { Failed, Outcome } from './run.ts'

/**
 * Makes a failing case smaller while it fails in the same way: fewer stream tables, steps, rows, tables, and simpler
 * queries. Attempts are cheap and may be nonsense: what PostgreSQL refuses counts as another failure.
 */
export interface Shrunk {
  readonly subject: FuzzCase
  readonly failed: Failed
  readonly attempts: number
}

export async function shrink(
  subject: FuzzCase,
  failed: Failed,
  run: (candidate: FuzzCase) => Promise<Outcome>,
  limit = 1_000,
): Promise<Shrunk> {
  let best: Shrunk = { subject, failed, attempts: 0 }
  let attempts = 0
  for (let progress = true; progress;) {
    progress = false
    for (const pass of PASSES) {
      // after a success the pass starts over from the smaller case
      let candidates = pass(best.subject)
      for (let next = candidates.next(); !next.done; next = candidates.next()) {
        if (++attempts > limit) return { ...best, attempts }
        const outcome = await run(next.value)
        if (outcome.kind === 'passed' || outcome.what !== failed.what || outcome.key !== failed.key) continue
        best = { subject: next.value, failed: outcome, attempts }
        progress = true
        candidates = pass(best.subject)
      }
    }
  }
  return { ...best, attempts }
}

type Pass = (subject: FuzzCase) => Generator<FuzzCase>

const PASSES: readonly Pass[] = [
  withoutStream,
  withFewerSteps,
  withFewerRows,
  withSimplerQuery,
  withoutView,
  withoutSetup,
]

function* withoutStream(subject: FuzzCase): Generator<FuzzCase> {
  for (const index of subject.streams.keys()) {
    if (subject.streams.length === 1) return
    const steps = subject.steps.flatMap((step) => {
      if (step.do === 'sql' || step.stream < index) return [step]
      return step.stream === index ? [] : [{ ...step, stream: step.stream - 1 }]
    })
    const shifted = (stream: number) => (stream > index ? stream - 1 : stream)
    const laws = (subject.laws ?? [])
      .filter(({ whole, parts }) => whole !== index && !parts.includes(index))
      .map(({ whole, parts }) => ({ whole: shifted(whole), parts: parts.map(shifted) }))
    yield { ...subject, streams: subject.streams.toSpliced(index, 1), laws, steps }
  }
}

function* withFewerSteps(subject: FuzzCase): Generator<FuzzCase> {
  for (const steps of withoutChunks(subject.steps)) yield { ...subject, steps }
}

function* withFewerRows(subject: FuzzCase): Generator<FuzzCase> {
  for (const fill of withoutChunks(subject.fill)) yield { ...subject, fill }
  for (const [index, { table, rows }] of subject.fill.entries()) {
    for (const fewer of withoutChunks(rows)) {
      if (fewer.length > 0) yield { ...subject, fill: subject.fill.with(index, { table, rows: fewer }) }
    }
  }
}

function* withSimplerQuery(subject: FuzzCase): Generator<FuzzCase> {
  for (const [index, stream] of subject.streams.entries()) {
    for (const query of simpler(stream.query)) {
      yield { ...subject, streams: subject.streams.with(index, { ...stream, query }) }
    }
  }
  for (const [index, view] of subject.views.entries()) {
    for (const query of simpler(view.query)) yield { ...subject, views: subject.views.with(index, { ...view, query }) }
  }
}

function* withoutView(subject: FuzzCase): Generator<FuzzCase> {
  if (subject.views.length > 0) yield { ...subject, views: [] }
}

function* withoutSetup(subject: FuzzCase): Generator<FuzzCase> {
  for (const index of subject.setup.keys()) yield { ...subject, setup: subject.setup.toSpliced(index, 1) }
}

/** The list without a half, a quarter, … one of its items. */
function* withoutChunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < items.length; at += size) yield items.toSpliced(at, size)
  }
}

function* simpler(query: Query): Generator<Query> {
  if (query.kind === 'values') {
    for (const rows of withoutEach(query.rows)) if (rows.length > 0) yield { ...query, rows }
    return
  }
  if (query.kind === 'set') {
    yield query.left
    yield query.right
    for (const tail of withoutEach(query.tail ?? [])) yield { ...query, tail }
    for (const left of simpler(query.left)) yield { ...query, left }
    for (const right of simpler(query.right)) yield { ...query, right }
    return
  }
  for (const { source } of query.from) if (typeof source !== 'string') yield source
  for (const { query: body } of query.with) yield body
  for (const left of withoutEach(query.with)) yield { ...query, with: left }
  for (const subquery of Object.values(query.subqueries ?? {})) yield subquery
  if (query.distinct) yield { ...query, distinct: false }
  if (query.distinctOn?.length) yield { ...query, distinctOn: [] }
  for (const where of withoutEach(query.where)) yield { ...query, where }
  for (const having of withoutEach(query.having)) yield { ...query, having }
  for (const groupBy of withoutEach(query.groupBy)) yield { ...query, groupBy }
  for (const tail of withoutEach(query.tail)) yield { ...query, tail }
  for (const items of withoutEach(query.items)) if (items.length > 0) yield { ...query, items }
  for (const from of withoutEach(query.from)) if (from.length > 0) yield { ...query, from }
  for (const from of simplerFrom(query)) yield { ...query, from }
  for (const [name, subquery] of Object.entries(query.subqueries ?? {})) {
    for (const body of simpler(subquery)) yield { ...query, subqueries: { ...query.subqueries, [name]: body } }
  }
  for (const simplified of simplerText(query)) yield simplified
  for (const [index, cte] of query.with.entries()) {
    for (const body of simpler(cte.query)) yield { ...query, with: query.with.with(index, { ...cte, query: body }) }
  }
}

/** An expression with a subquery in it, as the subquery alone; or without it. */
function* simplerText(query: Select): Generator<Query> {
  const alone = (text: string) => /\$q\d+\$/.exec(text)?.[0]
  for (const [index, item] of query.items.entries()) {
    const sql = alone(item.sql)
    if (sql !== undefined && sql !== item.sql) yield { ...query, items: query.items.with(index, { ...item, sql }) }
  }
  for (const [index, condition] of query.where.entries()) {
    const sql = alone(condition)
    for (const form of [`exists ${sql}`, `not exists ${sql}`]) {
      if (sql !== undefined && form !== condition) yield { ...query, where: query.where.with(index, form) }
    }
  }
}

function* simplerFrom(query: Select): Generator<readonly FromItem[]> {
  for (const [index, item] of query.from.entries()) {
    for (const on of withoutEach(item.on)) yield query.from.with(index, { ...item, on })
    if (item.join === 'left' || item.join === 'right' || item.join === 'full') {
      yield query.from.with(index, { ...item, join: 'inner' })
    }
    if (typeof item.source === 'string') continue
    for (const source of simpler(item.source)) yield query.from.with(index, { ...item, source })
  }
}

function* withoutEach<T>(items: readonly T[]): Generator<readonly T[]> {
  for (const index of items.keys()) yield items.toSpliced(index, 1)
}
