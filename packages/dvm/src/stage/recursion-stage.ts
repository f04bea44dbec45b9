import type { DeltaContext } from '../delta/context.ts'
import { recursed } from '../delta/readings.ts'
import type { TypeFacts } from '../facts.ts'
import { inputsOf, isStateful, type Item, type Plan, type Recursion } from '../plan/plan.ts'
import { openRecursions } from '../plan/recursion.ts'
import { nested, select, type Chain } from '../print/text.ts'
import { outputKey } from './output-key.ts'
import { compareRows, freshPart } from './replace.ts'
import type { StageDelta } from './stage.ts'
import { hiddenColumn, storedColumn, type Placed, type StateTable } from './state-table.ts'
import { storedWhereSome } from './stored-state.ts'
import { storedRows } from './stored-rows.ts'

/**
 * WITH RECURSIVE. One change may reach any number of rounds, so the recursion runs again when something that it reads
 * has changed, and the result is compared with what is stored:
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

  /** From all rows of the recursion. */
  fill(input: string): string {
    return this.rows(input)
  }

  delta(chain: Chain, context: DeltaContext): StageDelta | null {
    const changes = leavesOf(this.node).flatMap((leaf) => context.delta(leaf) ?? [])
    if (changes.length === 0) return null
    const some = changes.map((name) => `exists (select 1 from ${name})`).join(' or ')
    const touched = chain.add('Δ below', `select where ${some}`)
    const where = [`(select exists (select 1 from ${touched}))`]
    // asked once, before a round is run
    const [base, step] = [context.read(this.node.base, 'after'), context.read(this.node.step, 'after')]
    const again = select({ columns: ['*'], from: `${nested(recursed(this.node, base, step))} r`, where })
    const stored = storedWhereSome(chain, this.table, touched)
    const fresh = freshPart(chain, this.table, this.rows(again))
    return compareRows(chain, this.table, fresh, `${nested(stored)} t`)
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
