import { soleColumn } from '../ast.ts'
import type { DeltaContext } from '../delta/context.ts'
import { recursed } from '../delta/readings.ts'
import { weightedStep } from '../delta/weighted-step.ts'
import type { TypeFacts } from '../facts.ts'
import { roundLookups } from '../lookups.ts'
import { inputsOf, isStateful, type Item, type Plan, type Recursion } from '../plan/plan.ts'
import { openRecursions } from '../plan/recursion.ts'
import { printExpression } from '../print/expression.ts'
import { asFew, nested, q, select, type Chain } from '../print/text.ts'
import { hashOf } from './key.ts'
import { outputKey } from './output-key.ts'
import { recursionDelta, type StoredRecursion } from './recursion-delta.ts'
import { compareRows, freshPart } from './replace.ts'
import type { StageDelta } from './stage.ts'
import { hiddenColumn, storedColumn, tableName, type Placed, type StateTable } from './state-table.ts'
import { storedWhereSome } from './stored-state.ts'
import { storedRows } from './stored-rows.ts'
import { weightedRows, type Shown } from './weighted-rows.ts'

/**
 * WITH RECURSIVE. Where the step takes its rows one by one, the change goes through it as they do (`recursionDelta`), and
 * where that comes to more than the whole, or can not be done, the recursion runs again and is compared:
 *
 *   Δ μ(base, step) = μ(base, step) after − stored        nothing is read where nothing below changed
 *
 * Operators above it see the difference only, and pay for no more.
 */
export class RecursionStage {
  readonly node: Recursion
  readonly table: StateTable
  readonly items: readonly Item[]
  private readonly types: readonly TypeFacts[]

  constructor(options: {
    readonly node: Recursion
    readonly items: readonly Item[]
    readonly itemTypes: readonly TypeFacts[]
    readonly schema: string
    readonly table: string
    readonly placed: Placed
  }) {
    this.node = options.node
    this.items = options.items
    this.types = options.itemTypes
    const key = outputKey(this.node, this.items, (i) => this.type(i))
    const visible = this.items.map((item, i) => storedColumn(item.name, this.type(i), true))
    const hidden = key.columns
      .filter((column) => column.hidden)
      .map((column) => hiddenColumn(column.name, column.sql, true))
    this.table = {
      schema: options.schema,
      table: options.table,
      columns: [...visible, ...hidden],
      key,
      placed: options.placed,
    }
  }

  /** So that rows which a change of the step's tables goes on from are found without reading all. */
  get indexes(): readonly string[] {
    const stored = weightedStep(this.node.step) === null ? null : this.stored()
    if (stored === null || this.table.placed !== 'here') return []
    return roundLookups(this.node).flatMap((column) => {
      const name = stored.stored.get(column)
      const type = this.types[this.items.findIndex((item) => item.name === name)]
      return name !== undefined && type?.bounded === true && type.ordered ? [name] : []
    })
  }

  /** From all rows of the recursion. */
  fill(input: string): string {
    return this.rows(input)
  }

  delta(chain: Chain, context: DeltaContext): StageDelta | null {
    const step = this.table.placed === 'here' ? weightedStep(this.node.step) : null
    const stored = step === null ? null : this.stored()
    if (step === null || stored === null) return this.again(chain, context)
    const delta = recursionDelta(stored, step, chain, context)
    if (delta === null) return null
    const unfit = chain.add('again', select({ columns: [], where: [delta.unfit.join('\n  or ')] }))
    const again = `(select exists (select 1 from ${unfit}))`
    const shown = this.shown()
    const show = (rows: string, where: readonly string[]) =>
      select({ columns: [...this.itemValues(), '__w'], from: `${nested(rows)} r`, where })
    const columns = this.node.columns.map((column) => q(column.name))
    // PostgreSQL makes room for all rows that it expects of a recursion before it knows that it is not to be run
    const base = select({
      columns,
      from: `${nested(context.read(this.node.base, 'after'))} b`,
      where: few(columns),
    })
    const whole = select({ columns: ['*', '1 as __w'], from: `${nested(this.recomputed(context, base))} r` })
    const gone = select({
      columns: [...shown.map(({ name }) => q(name)), '-1 as __w'],
      from: tableName(this.table),
      where: [again, ...few(shown.map(({ name }) => q(name)))],
    })
    const rows = chain.add(
      'Δ recursion',
      [show(delta.rows, [`not ${again}`]), show(whole, [again, ...few(columns)]), gone].join('\nunion all\n'),
    )
    return weightedRows(chain, this.table, shown, rows)
  }

  /** Computed again, and compared. */
  private again(chain: Chain, context: DeltaContext): StageDelta | null {
    const changes = leavesOf(this.node).flatMap((leaf) => context.delta(leaf) ?? [])
    if (changes.length === 0) return null
    const some = changes.map((name) => `exists (select 1 from ${name})`).join(' or ')
    const touched = chain.add('Δ below', `select where ${some}`)
    const where = [`(select exists (select 1 from ${touched}))`]
    // asked once, before a round is run
    const again = select({ columns: ['*'], from: `${nested(this.recomputed(context))} r`, where })
    const stored = storedWhereSome(chain, this.table, touched)
    const fresh = freshPart(chain, this.table, this.rows(again))
    return compareRows(chain, this.table, fresh, `${nested(stored)} t`)
  }

  private recomputed(context: DeltaContext, base = context.read(this.node.base, 'after')): string {
    return recursed(this.node, base, context.read(this.node.step, 'after'))
  }

  /** Null where the rows can not be read back as they were computed, or be told apart by what is stored. */
  private stored(): StoredRecursion | null {
    const stored = new Map<string, string>()
    const typed: { name: string; type: TypeFacts }[] = []
    for (const { name } of this.node.columns) {
      const i = this.items.findIndex((item) => soleColumn(item.expression) === name)
      const item = this.items[i]
      if (item === undefined) return null
      stored.set(name, item.name)
      typed.push({ name, type: this.type(i) })
    }
    const { node, table } = this
    if (node.all) return { node, table, stored, key: null }
    const [key] = table.key.columns
    if (key === undefined || table.key.kind !== 'hash' || typed.some(({ type }) => type.equality !== 'exact'))
      return null
    return { node, table, stored, key: { stored: key.name, value: hashOf(typed) } }
  }

  private shown(): Shown[] {
    return this.items.map((item, i) => ({ name: item.name, type: this.type(i) }))
  }

  private itemValues(): string[] {
    return this.items.map((item, i) => `(${printExpression(item.expression)})::${this.type(i).sql} as ${q(item.name)}`)
  }

  private rows(recursedRows: string): string {
    return storedRows({ rows: recursedRows, items: this.items, types: this.types, table: this.table, beside: [] })
  }

  private type(i: number): TypeFacts {
    const type = this.types[i]
    if (type === undefined) throw new TypeError(`no type for output column ${i + 1}`)
    return type
  }
}

/** What below a recursion can change by itself: tables, and other stages. */
function leavesOf(recursion: Recursion): readonly Plan[] {
  const leaves = new Set<Plan>()
  const visit = (plan: Plan): void => {
    const stage = isStateful(plan) && openRecursions(plan).size === 0
    if (plan.kind === 'scan' || stage) leaves.add(plan)
    else inputsOf(plan).forEach(visit)
  }
  inputsOf(recursion).forEach(visit)
  return [...leaves]
}

/** It would be expected that every refresh runs the recursion again, and writes as many rows. */
function few(columns: readonly string[]): readonly string[] {
  return ['num_nulls', 'num_nonnulls'].map((count) => asFew(`${count}(${columns.join(', ')})`, 0, '1664'))
}
