import { as, columnRef, columnsOf, list, rebuild, soleColumn, type Ast } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { seenOfNothing } from './aggregation.ts'
import { equals } from './conditions.ts'
import { freeColumns, transformExpressions } from './free-columns.ts'
import type { Names } from './names.ts'
import {
  filter,
  join,
  project,
  type Aggregate,
  type Item,
  type Join,
  type Partitioned,
  type Plan,
  type Project,
  type SemiJoin,
  type Transform,
  type UnionAll,
} from './plan.ts'

/**
 * Dependent joins without dependence. A plan S that names columns y of a query around it is computed for all rows of a
 * domain D at once; the domain goes down into the plan, and each row carries the key k of the row of D that it is for:
 *
 *   D ⋈ᵈ S           = D × S                        where S does not name y
 *   D ⋈ᵈ σ(S), π(S)  = σ(D ⋈ᵈ S), π+k(D ⋈ᵈ S)
 *   D ⋈ᵈ (S ⋈ T)     = (D ⋈ᵈ S) ⋈ T                 or ⋈ (D ⋈ᵈ T) on equal k, where both name y
 *   D ⋈ᵈ (S ⟕ T)     = (D ⋈ᵈ S) ⟕ T                 likewise; so for semi joins
 *   D ⋈ᵈ (S ⊎ T)     = (D ⋈ᵈ S) ⊎ (D ⋈ᵈ T)
 *   D ⋈ᵈ γ_g(S)      = γ_g,k(D ⋈ᵈ S)                without groups: D ⟕ γ_k(D ⋈ᵈ S), for there is always a row
 *   D ⋈ᵈ T(S)        = T(D ⋈ᵈ S), partitions by k   windows, DISTINCT ON, LIMIT
 *
 * After Th. Neumann and A. Kemper, "Unnesting Arbitrary Queries" (BTW 2015). Every operator that results has its law
 * already, so a dependent join needs none of its own.
 */
export interface Bound {
  readonly plan: Plan
  /** The columns that tell the rows of the domain apart, in the binding's order. */
  readonly keys: readonly string[]
  /** Columns that hold the outer columns' values, by the outer name; not all of them are at hand everywhere. */
  readonly values: ReadonlyMap<string, string>
}

/** Where the rows of the domain come from. */
export interface Binding {
  /** The outer columns. */
  readonly outer: ReadonlySet<string>
  /** The domain once more, under new names; throws `Unbindable` where it has no relation of its own. */
  instance(): Bound
  /** A filter over what does not name the outer columns; undefined: like any other operator. */
  filtered?(input: Plan, predicates: readonly Ast[]): Bound
  /** Rows may be told apart by the keys: grouped by them, joined on them. */
  readonly keyed: boolean
}

/** The plan can not be bound in this way. */
export class Unbindable extends Error {}

export class Binder {
  private readonly binding: Binding
  private readonly names: Names

  constructor(binding: Binding, names: Names) {
    this.binding = binding
    this.names = names
  }

  bind(plan: Plan): Bound {
    if (!this.depends(plan)) return this.product(plan)
    switch (plan.kind) {
      case 'scan':
      case 'constant':
      case 'working-table':
        return this.product(plan)
      case 'recursion':
        throw new Unsupported('RECURSIVE', 'a recursive common table expression that names the query around it')
      case 'filter':
        return this.filtered(plan.input, plan.predicates)
      case 'project':
        return this.projected(plan)
      case 'join':
        return this.joined(plan)
      case 'semi-join':
        return this.semiJoined(plan)
      case 'union-all':
        return this.united(plan)
      case 'expand': {
        const input = this.withValues(this.bind(plan.input), [plan.call])
        const added = plan.columns.slice(-plan.added.length)
        return {
          ...input,
          plan: {
            ...plan,
            input: input.plan,
            call: settle(plan.call, input),
            columns: [...input.plan.columns, ...added],
          },
        }
      }
      case 'aggregate':
        return plan.keys.length === 0 ? this.completed(plan) : this.grouped(plan)
      case 'partitioned':
        return this.partitioned(plan)
    }
  }

  /** The groups that have rows; a row of the domain without any has no group. */
  grouped(plan: Aggregate): Bound {
    this.requireKeys()
    const bound = this.bind(plan.input)
    const input = this.withValues(
      bound,
      plan.calls.map((call) => call.call),
    )
    const keys = [...input.keys, ...plan.keys]
    const calls = plan.calls.map((call) => ({ ...call, call: settle(call.call, input) }))
    const columns = [...columnsNamed(input.plan, input.keys), ...plan.columns]
    return { plan: { ...plan, input: input.plan, keys, calls, columns }, keys: input.keys, values: new Map() }
  }

  depends(plan: Plan): boolean {
    return [...freeColumns(plan)].some((name) => this.binding.outer.has(name))
  }

  private requireKeys(): void {
    if (!this.binding.keyed) throw new Unbindable('rows of the domain must be told apart')
  }

  private product(plan: Plan): Bound {
    const domain = this.binding.instance()
    const alone = plan.kind === 'constant' && plan.columns.length === 0 && plan.query === 'select'
    return { ...domain, plan: alone ? domain.plan : join(domain.plan, plan, []) }
  }

  private filtered(input: Plan, predicates: readonly Ast[]): Bound {
    if (!this.depends(input) && this.binding.filtered !== undefined) return this.binding.filtered(input, predicates)
    const bound = this.withValues(this.bind(input), predicates)
    return {
      ...bound,
      plan: filter(
        bound.plan,
        predicates.map((predicate) => settle(predicate, bound)),
      ),
    }
  }

  private projected(plan: Project): Bound {
    const input = this.withValues(
      this.bind(plan.input),
      plan.items.map((item) => item.expression),
    )
    const items = plan.items.map((item) => ({ name: item.name, expression: settle(item.expression, input) }))
    const carried = this.carried(input, items)
    const columns = [...carried.items.map((item) => item.column), ...plan.columns]
    return {
      plan: { ...plan, input: input.plan, items: [...carried.items.map((item) => item.item), ...items], columns },
      keys: carried.keys,
      values: carried.values,
    }
  }

  /** Keys and values as items of a projection: under new names, unless one of its own items shows them already. */
  private carried(input: Bound, own: readonly Item[]) {
    const renamed = new Map<string, string>()
    const shown = new Set(own.map((item) => item.name))
    for (const name of new Set([...input.keys, ...input.values.values()]))
      renamed.set(name, this.binding.keyed || shown.has(name) ? this.names.again(name) : name)
    const items = [...renamed].flatMap(([from, name]) =>
      columnsNamed(input.plan, [from]).map((column) => ({
        item: { name, expression: columnRef(from) },
        column: { ...column, name },
      })),
    )
    const keys = input.keys.map((name) => renamed.get(name) ?? name)
    const values = new Map([...input.values].map(([outer, name]) => [outer, renamed.get(name) ?? name]))
    return { items, keys, values }
  }

  private joined(plan: Join): Bound {
    const [onLeft, onRight] = [this.depends(plan.left), this.depends(plan.right)]
    const correlated = plan.conditions.some((condition) => this.correlated(condition))
    if (plan.type === 'inner' && !onLeft && !onRight) {
      const own = plan.conditions.filter((condition) => !this.correlated(condition))
      return this.filtered(
        join(plan.left, plan.right, own),
        plan.conditions.filter((condition) => this.correlated(condition)),
      )
    }
    if (plan.type === 'inner' && !onLeft) return this.joined({ ...plan, left: plan.right, right: plan.left })
    if (plan.type === 'full') return this.fullyJoined(plan)
    const bound = this.bind(plan.left)
    const left = correlated ? this.withValues(bound, plan.conditions) : bound
    const conditions = plan.conditions.map((condition) => settle(condition, left))
    if (!onRight) return { ...left, plan: join(left.plan, plan.right, conditions, plan.type) }
    const right = this.bind(plan.right)
    return { ...left, plan: join(left.plan, right.plan, [...this.sameRow(left, right), ...conditions], plan.type) }
  }

  private fullyJoined(plan: Join): Bound {
    const [left, right] = [this.bind(plan.left), this.bind(plan.right)]
    const ready = this.withValues(left, plan.conditions)
    const conditions = plan.conditions.map((condition) => settle(condition, ready))
    const both = join(ready.plan, right.plan, [...this.sameRow(ready, right), ...conditions], 'full')
    const keys = ready.keys.map((key, i) => ({
      name: this.names.again(key),
      expression: { CoalesceExpr: { args: [columnRef(key), columnRef(right.keys[i] ?? '')] } },
      notNull: true,
    }))
    const own = plan.columns.map((column) => ({ ...column, expression: columnRef(column.name) }))
    return { plan: project(both, [...keys, ...own]), keys: keys.map((key) => key.name), values: new Map() }
  }

  private semiJoined(plan: SemiJoin): Bound {
    const left = this.withValues(this.bind(plan.left), plan.conditions)
    const conditions = plan.conditions.map((condition) => settle(condition, left))
    const right = this.depends(plan.right) ? this.bind(plan.right) : null
    const same = right === null ? [] : this.sameRow(left, right)
    const mark = plan.columns.filter((column) => column.name === plan.mark)
    return {
      ...left,
      plan: {
        ...plan,
        left: left.plan,
        right: right?.plan ?? plan.right,
        conditions: [...same, ...conditions],
        columns: [...left.plan.columns, ...mark],
      },
    }
  }

  private united(plan: UnionAll): Bound {
    const inputs = plan.inputs.map((input) => this.bind(input))
    const [first] = inputs
    if (first === undefined) throw new TypeError('a union of nothing')
    const keys = first.keys.map((key) => (this.binding.keyed ? this.names.again(key) : key))
    const aligned = inputs.map((input) =>
      project(input.plan, [
        ...input.keys.map((key, i) => ({ name: keys[i] ?? key, expression: columnRef(key), notNull: false })),
        ...plan.columns.map((column) => ({ ...column, expression: columnRef(column.name) })),
      ]),
    )
    const columns = [...keys.map((name, i) => ({ name, notNull: everyNotNull(inputs, i) })), ...plan.columns]
    const values = this.binding.keyed ? new Map<string, string>() : new Map(keys.map((key) => [key, key]))
    return { plan: { ...plan, inputs: aligned, columns }, keys, values }
  }

  /** An aggregate without groups has a row for every row of the domain. */
  private completed(plan: Aggregate): Bound {
    const groups = this.grouped(plan)
    const domain = this.binding.instance()
    const joined = join(domain.plan, groups.plan, this.sameRow(domain, groups), 'left')
    const own = new Map(plan.calls.map((call) => [call.name, seenOfNothing(call)]))
    const items = joined.columns.map((column) => ({
      ...column,
      expression: own.get(column.name) ?? columnRef(column.name),
    }))
    return { ...domain, plan: project(joined, items) }
  }

  private partitioned(plan: Partitioned): Bound {
    this.requireKeys()
    const input = this.withValues(this.bind(plan.input), transformExpressions(plan.transform))
    const added = plan.transform.kind === 'window' ? plan.transform.calls.map((call) => call.name) : []
    return {
      ...input,
      plan: {
        ...plan,
        input: input.plan,
        keys: [...input.keys, ...plan.keys],
        transform: inPartitions(plan.transform, input),
        columns: [...input.plan.columns, ...plan.columns.filter((column) => added.includes(column.name))],
      },
    }
  }

  /** Has the outer columns that the expressions name at hand, from the domain by key where they are not. */
  private withValues(bound: Bound, expressions: readonly Ast[]): Bound {
    const needed = expressions.flatMap((expression) => [...columnsOf(expression)])
    const missing = needed.some((name) => this.binding.outer.has(name) && !bound.values.has(name))
    if (!missing) return bound
    this.requireKeys()
    const domain = this.binding.instance()
    return {
      plan: join(bound.plan, domain.plan, this.sameRow(bound, domain)),
      keys: bound.keys,
      values: domain.values,
    }
  }

  private sameRow(left: Bound, right: Bound): Ast[] {
    this.requireKeys()
    return left.keys.map((key, i) => equals(columnRef(key), columnRef(right.keys[i] ?? '')))
  }

  private correlated(expression: Ast): boolean {
    return [...columnsOf(expression)].some((name) => this.binding.outer.has(name))
  }
}

function settle(expression: Ast, bound: Bound): Ast {
  return rebuild(expression, (type, _body, node) => {
    const name = type === 'ColumnRef' ? soleColumn(node) : undefined
    const value = name === undefined ? undefined : bound.values.get(name)
    return value === undefined ? undefined : columnRef(value)
  })
}

function columnsNamed(plan: Plan, names: readonly string[]) {
  return names.map((name) => plan.columns.find((column) => column.name === name) ?? { name, notNull: false })
}

function everyNotNull(inputs: readonly Bound[], key: number): boolean {
  return inputs.every(({ plan, keys }) => columnsNamed(plan, [keys[key] ?? '']).every((column) => column.notNull))
}

function inPartitions(transform: Transform, bound: Bound): Transform {
  switch (transform.kind) {
    case 'distinct-on':
      return transform
    case 'limit': {
      const settled = (count: Ast | null) => (count === null ? null : settle(count, bound))
      return { ...transform, limit: settled(transform.limit), offset: settled(transform.offset) }
    }
    case 'window':
      return {
        ...transform,
        calls: transform.calls.map(({ name, call }) => {
          const body = as('FuncCall', call) ?? {}
          const over = (body['over'] ?? {}) as Ast
          const partitionClause = [...bound.keys.map(columnRef), ...list(over['partitionClause'])]
          return { name, call: { FuncCall: { ...body, over: { ...over, partitionClause } } } }
        }),
      }
  }
}
