import { quoteLiteral } from '@freshet/core'
import type { DeltaContext } from '../delta/context.ts'
import { stepOver } from '../delta/weighted-step.ts'
import type { Plan, Recursion } from '../plan/plan.ts'
import { indent, nested, q, select, type Chain } from '../print/text.ts'
import { tableName, type StateTable } from './state-table.ts'

/**
 * What a change does to a recursion, without running the whole of it again. X are its rows as they are stored. The step
 * takes the rows of the last round one by one, so it hands on changes of them as well as the rows themselves.
 *
 *   seeds = Δbase ⊎ Δstep(X)                   what changes in the first place, with X as it was
 *
 * UNION ALL: before and after, X = base ⊎ step(X), so ΔX = seeds ⊎ step(ΔX): the recursion runs over weights.
 *
 * UNION, where a row is there once, however many ways lead to it: delete and rederive (Gupta, Mumick and Subrahmanian,
 * Maintaining views incrementally, SIGMOD 1993).
 *
 *   lost   = rows of X that a seed takes a way from, and those that the step makes of them
 *   first  = rows that are lost or new, and have a way from the base or from X ∖ lost
 *   gained = first, and what the step makes of it, outside X ∖ lost
 *   ΔX     = gained − lost
 *
 * Either may come to more than the whole: near the root of a tree; and weights may go in a circle for ever where the
 * recursion itself does not get to any more. So all are cut off where they have more rows than are stored, about. Then
 * they say nothing, and the recursion is to be computed again.
 */
export interface RecursionDelta {
  /** A query of the recursion's columns and `__w`; rows in it may cancel. */
  readonly rows: string
  /** Conditions of which each says that `rows` are not the whole. */
  readonly unfit: readonly string[]
}

export interface StoredRecursion {
  readonly node: Recursion
  readonly table: StateTable
  /** Where each column of the recursion is stored. */
  readonly stored: ReadonlyMap<string, string>
  /** For UNION: the stored column that tells rows apart, and its value over the recursion's columns. */
  readonly key: { readonly stored: string; readonly value: string } | null
}

/** Null where nothing that it reads can change. */
export function recursionDelta(
  recursion: StoredRecursion,
  step: Plan,
  chain: Chain,
  context: DeltaContext,
): RecursionDelta | null {
  const { node, key } = recursion
  const columns = node.columns.map(({ name }) => q(name))
  // under the name by which the step knows the rows of the last round
  const kept = node.columns.map(({ name }) => `t.${q(recursion.stored.get(name) ?? name)} as ${q(name)}`)
  const hidden = key === null ? [] : [`t.${q(key.stored)} as ${KEY}`]
  const rows = select({ columns: [...kept, ...hidden], from: `${tableName(recursion.table)} t` })
  const known = chain.add(node.name, rows, { materialized: false })
  if (known !== q(node.name)) throw new TypeError(`two parts of the statement are named ${node.name}`)

  const changes = [node.base, node.step].flatMap((side) => context.delta(side) ?? [])
  if (changes.length === 0) return null
  const seeds = chain.add(
    'Δ seeds',
    changes.map((from) => select({ columns: [...columns, '__w'], from })).join('\nunion all\n'),
  )
  const most = `(select greatest(reltuples, 0)::bigint + ${FREE} from pg_catalog.pg_class where oid = ${quoteLiteral(tableName(recursion.table))}::regclass)`
  const rounds = { node, columns, most, chain }
  if (key === null) return overWeights(rounds, seeds, context.read(step, 'after'))
  return deletedAndRederived({ ...rounds, key, table: recursion.table, context }, seeds)
}

interface Rounds {
  readonly node: Recursion
  /** Quoted, and so are they everywhere below. */
  readonly columns: readonly string[]
  /** How many rows are as many as running the whole again. */
  readonly most: string
  readonly chain: Chain
}

function overWeights(rounds: Rounds, seeds: string, step: string): RecursionDelta {
  const columns = [...rounds.columns, '__w']
  const ran = runRounds(rounds, 'Δ rounds', {
    columns,
    first: select({ columns, from: seeds }),
    union: 'union all',
    step: select({ columns, from: `${nested(step)} s` }),
    answer: columns,
  })
  return { rows: select({ columns, from: ran }), unfit: [tooMany(rounds, ran)] }
}

interface Keyed extends Rounds {
  readonly key: { readonly stored: string; readonly value: string }
  readonly table: StateTable
  readonly context: DeltaContext
}

function deletedAndRederived(rounds: Keyed, seeds: string): RecursionDelta {
  const { chain, columns, context, key, node } = rounds
  const step = context.read(node.step, 'after')
  const told = (rows: string) => select({ columns: ['*', `${key.value} as ${KEY}`], from: `${nested(rows)} s` })
  // a lookup for each row, never a join: the whole table would be read for it
  const isStored = `(select true from ${tableName(rounds.table)} t where t.${q(key.stored)} = ${KEY})`
  const which = (rows: string, where: string) => select({ columns, from: `${nested(told(rows))} k`, where: [where] })
  const lost = runRounds(rounds, 'Δ lost', {
    columns,
    first: which(select({ columns, from: seeds, where: ['__w < 0'] }), isStored),
    union: 'union',
    step: which(step, isStored),
    answer: [...columns, `${key.value} as ${KEY}`],
  })
  const isLost = `${KEY} in (select l.${KEY} from ${lost} l)`
  const someLost = `(select exists (select 1 from ${lost}))`

  const candidates = chain.add(
    'Δ candidates',
    `${select({ columns, from: lost })}\nunion\n${select({ columns, from: seeds, where: ['__w > 0'] })}`,
  )
  const kept = `kept ${node.name}`
  chain.add(kept, select({ columns, from: q(node.name), where: [`not ${isLost}`] }), { materialized: false })
  const overKept = stepOver(node.step, kept)
  const ways = [node.base, ...(overKept === null ? [] : [overKept])].map((plan) => context.read(plan, 'after'))
  const among = `(${columns.join(', ')}) in (select ${columns.join(', ')} from ${candidates})`
  const derived = ways.map((way) => select({ columns, from: `${nested(way)} w`, where: [someLost, among] }))
  // where nothing is lost, what has more ways than before has one
  const more = select({
    columns,
    from: seeds,
    where: [`not ${someLost}`],
    groupBy: columns,
    having: ['sum(__w) > 0'],
  })
  const found = chain.add('Δ ways', [...derived, more].join('\nunion all\n'), { materialized: true })
  const isNew = `(${isStored} is null or ${isLost})`
  const gained = runRounds(rounds, 'Δ gained', {
    columns,
    first: which(select({ columns, from: found }), isNew),
    union: 'union',
    step: which(step, isNew),
    answer: columns,
  })
  return {
    rows: `${select({ columns: [...columns, '1 as __w'], from: gained })}\nunion all\n${select({ columns: [...columns, '-1 as __w'], from: lost })}`,
    unfit: [
      tooMany(rounds, lost),
      tooMany(rounds, gained),
      // IN does not find them
      `(${someLost} and exists (select 1 from ${candidates} where ${columns.map((column) => `${column} is null`).join(' or ')}))`,
    ],
  }
}

/** A recursion over changes, of which no more rows are asked than make it unfit: so it ends. */
function runRounds(
  { node, most, chain }: Rounds,
  label: string,
  run: {
    readonly columns: readonly string[]
    readonly first: string
    readonly union: 'union' | 'union all'
    readonly step: string
    readonly answer: readonly string[]
  },
): string {
  const name = q(node.name)
  const body = `with recursive ${name} (${run.columns.join(', ')}) as (\n${indent(`${run.first}\n${run.union}\n${run.step}`)}\n)`
  const asked = `${select({ columns: run.answer, from: name })}\nlimit ${most} + 1`
  return chain.add(label, `${body}\n${asked}`, { materialized: true })
}

function tooMany({ most }: Rounds, part: string): string {
  return `(select count(*) from ${part}) > ${most}`
}

/** Rows that a change may always bring. */
const FREE = 1000

const KEY = '__known'
