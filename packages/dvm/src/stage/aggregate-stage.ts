import type { DeltaContext } from '../delta/context.ts'
import type { TypeFacts } from '../facts.ts'
import type { Aggregate, AggregateCall, Item } from '../plan/plan.ts'
import { columnsOf, soleColumn } from '../ast.ts'
import { printExpression } from '../print/expression.ts'
import { imagesDiffer, nested, q, select, sentImagesDiffer, type Chain } from '../print/text.ts'
import { GROUP_SIZE, maintain, type Maintained, type Slot } from './aggregate-functions.ts'
import { chooseKey, keyName, onShard, type Key } from './key.ts'
import { groupsAgain } from './group-recompute.ts'
import { netRows } from './net.ts'
import { hiddenColumn, storedColumn, type Placed, type StateTable, type StoredColumn } from './state-table.ts'
import { placeIn, storedMatching } from './stored-state.ts'
import type { StageDelta, TypeOf } from './stage.ts'

/**
 * Aggregate, and DISTINCT, which is an aggregate without calls. Stateful: one row of state a group.
 *
 *   Δγ(R) = γ(state ⊎ ΔR) − γ(state)        for the groups that occur in ΔR
 *
 * Every group keeps its number of rows and one slot or two for each call; slots add up where the type is exact, and
 * where they do not, the group is computed again from the input read after the change. A group without rows goes;
 * without group keys there is one group, and it stays.
 */
export class AggregateStage {
  readonly node: Aggregate
  readonly table: StateTable
  readonly items: readonly Item[]
  private readonly maintained: ReadonlyMap<AggregateCall, Maintained>
  private readonly slots: readonly Slot[]
  private readonly physical: ReadonlyMap<Slot, string>
  private readonly typeOf: TypeOf

  constructor(options: {
    readonly node: Aggregate
    readonly items: readonly Item[]
    readonly itemTypes: readonly TypeFacts[]
    readonly schema: string
    readonly table: string
    readonly placed: Placed
    readonly typeOf: TypeOf
    /** The group column by which its state is placed, where that is beside the shards. */
    readonly shard?: string | undefined
    /** Other operators compute with the values; else they are only shown. */
    readonly inner: boolean
  }) {
    this.node = options.node
    this.items = options.items
    this.typeOf = options.typeOf
    const { single } = this
    this.maintained = new Map(
      this.node.calls.map((call) => {
        const types = { argument: this.argumentType(call), result: this.typeOf(call.name) }
        return [
          call,
          maintain(call, types, {
            single,
            shownOnly: !options.inner && this.isShownAsIs(call),
            argumentNotNull: this.isNotNull(call.argument),
          }),
        ]
      }),
    )
    this.slots = uniqueSlots([GROUP_SIZE, ...[...this.maintained.values()].flatMap((maintained) => maintained.slots)])
    this.physical = this.placeSlots()
    const key = this.chooseKey(options.shard)
    this.table = {
      schema: options.schema,
      table: options.table,
      columns: this.storedColumns(key, options.itemTypes),
      key,
      placed: options.placed,
    }
  }

  private isNotNull(argument: string | null): boolean {
    return this.node.input.columns.some((column) => column.name === argument && column.notNull)
  }

  private isShownAsIs(call: AggregateCall): boolean {
    const readers = this.items.filter((item) => columnsOf(item.expression).has(call.name))
    return readers.every((item) => soleColumn(item.expression) === call.name)
  }

  private get single(): boolean {
    return this.node.keys.length === 0
  }

  /** Everything the state table holds, computed from base tables. */
  fill(input: string): string {
    const inner = select({
      columns: [...this.node.keys.map(q), ...this.slots.map((slot, i) => `${slot.full} as ${slotName(i)}`)],
      from: `${nested(input)} g`,
      groupBy: this.node.keys.map(q),
    })
    return select({ columns: this.tableRow(), from: `${nested(this.withValues(inner))} v` })
  }

  /** Adds the steps that bring the state table to the present; `shown`: somebody asks what changed. */
  delta(chain: Chain, context: DeltaContext, shown: boolean): StageDelta | null {
    const input = context.delta(this.node.input)
    if (input === null) return null
    const before = shown ? this.items.map((_, i) => oldName(i)) : []
    const grouped = chain.add('Δ groups', this.groupDeltas(this.consolidated(chain, input)))
    const stepped = chain.add('groups', this.step(chain, grouped, before))
    const again = groupsAgain({
      chain,
      step: stepped,
      keys: this.node.keys.map((name) => ({ name, notNull: this.notNullKey(name), type: this.typeOf(name) })),
      input: () => context.readInParts(this.node.input, 'after'),
      needed: this.slots.some((slot) => slot.again.length > 0),
      columns: this.slots.map((slot, i) => `${slot.full} as ${slotName(i)}`),
      key: this.table.key,
      decided: (condition) => context.decided(condition),
    })
    const resolved = again === null ? `select * from ${stepped}` : this.merge(stepped, again, before)
    const stored = this.table.columns.filter((column) => column.visible)
    const visible = this.items.map(
      (item, i) => `(${printExpression(item.expression)})::${stored[i]?.sql ?? 'text'} as ${newName(i)}`,
    )
    const groups = chain.add(
      'groups after',
      select({
        columns: [
          ...this.table.key.columns.map((_, i) => keyName(i)),
          '__existed',
          '__at',
          ...this.slots.map((_, i) => slotName(i)),
          ...before,
          ...visible,
        ],
        from: `${nested(this.withValues(resolved))} v`,
      }),
    )
    const after = this.items.map((_, i) => newName(i))
    const differ = this.table.placed === 'beside' ? sentImagesDiffer : imagesDiffer
    return {
      table: this.table,
      rows: groups,
      row: this.tableRow(
        after,
        this.table.key.columns.map((_, i) => keyName(i)),
      ),
      keys: this.table.key.columns.map((column, i) => ({ stored: column.name, value: keyName(i) })),
      location: this.table.placed === 'here' ? '__at' : null,
      existed: '__existed',
      alive: this.single ? 'true' : `${slotName(0)} > 0`,
      visible: stored.map((column) => column.name),
      before,
      after,
      differs: before.length === 0 ? 'false' : differ(after, before),
    }
  }

  /**
   * Minimum and maximum ask which values left; a value that left and came back in one window did not. So rows that
   * cancel are taken out first.
   */
  private consolidated(chain: Chain, input: string): string {
    if (!this.node.calls.some((call) => call.method === 'min' || call.method === 'max')) return input
    return chain.add(
      'Δ net',
      netRows(
        input,
        this.node.input.columns.map(({ name }) => ({ name, type: this.typeOf(name) })),
      ),
    )
  }

  private groupDeltas(input: string): string {
    const deltas = new Map(this.slots.flatMap((slot) => Object.entries(slot.deltas)))
    return select({
      columns: [...this.node.keys.map(q), ...[...deltas].map(([name, expression]) => `${expression} as ${q(name)}`)],
      from: input,
      groupBy: this.node.keys.map(q),
      having: this.single ? ['count(*) > 0'] : [],
    })
  }

  /** Each changed group beside its stored state: whether it existed, its new slots, its visible columns before. */
  private step(chain: Chain, grouped: string, before: readonly string[]): string {
    const key = this.table.key
    const stored = (slot: Slot) => `t.${q(this.column(slot))}`
    const again = this.slots.flatMap((slot) => slot.again.map((condition) => condition(stored)))
    const visible = this.table.columns.filter((column) => column.visible)
    const columns = [
      ...this.node.keys.map((name) => `d.${q(name)}`),
      ...key.columns.map((_, i) => `d.${keyName(i)}`),
      `t.${q(key.columns[0]?.name ?? '')} is not null as __existed`,
      `${placeIn(this.table)} as __at`,
      ...this.slots.map((slot, i) => `${slot.next?.(stored) ?? `null::${slot.sql}`} as ${slotName(i)}`),
      ...before.map((name, i) => `t.${q(visible[i]?.name ?? name)} as ${name}`),
      ...(again.length === 0 ? [] : [`${this.readingStored(`coalesce(${again.join(' or ')}, false)`)} as __again`]),
    ]
    const keyed = select({
      columns: ['*', ...key.columns.map((column, i) => `${column.value ?? 'null'} as ${keyName(i)}`)],
      from: grouped,
    })
    const on = key.columns.map((column, i) => `t.${q(column.name)} = d.${keyName(i)}`).join(' and ')
    const values = key.columns.map((column) => column.value ?? 'null')
    const state = storedMatching(
      chain,
      this.table,
      key.columns.map(({ name }) => name),
      select({ columns: values, from: grouped }),
    )
    return select({ columns, from: `${nested(keyed)} d\nleft join ${state} t on ${on}` })
  }

  /**
   * A condition that always names the stored row. PostgreSQL leaves out a left join of which nothing is read, and Citus 14
   * falls over the gap where a union is in the same query: with a segmentation fault, of the whole server.
   */
  private readingStored(condition: string): string {
    const key = `t.${q(this.table.key.columns[0]?.name ?? '')}`
    return this.table.placed === 'beside' ? `(${condition} and (${key} is null or ${key} is not null))` : condition
  }

  /** Groups whose slots added up, and those computed again. */
  private merge(step: string, again: string, before: readonly string[]): string {
    const columns = (slots: readonly string[]) => [
      ...this.node.keys.map((name) => `s.${q(name)}`),
      ...this.table.key.columns.map((_, i) => `s.${keyName(i)}`),
      's.__existed',
      's.__at',
      ...slots,
      ...before.map((name) => `s.${name}`),
    ]
    const recomputed = this.slots.map((slot, i) =>
      slot.notNull ? `coalesce(a.${slotName(i)}, 0) as ${slotName(i)}` : `a.${slotName(i)}`,
    )
    const on = this.table.key.columns.map((_, i) => `a.${keyName(i)} = s.${keyName(i)}`).join(' and ')
    return [
      select({
        columns: columns(this.slots.map((_, i) => `s.${slotName(i)}`)),
        from: `${step} s`,
        where: ['not s.__again'],
      }),
      select({ columns: columns(recomputed), from: `${step} s\nleft join ${again} a on ${on}`, where: ['s.__again'] }),
    ].join('\nunion all\n')
  }

  /** Adds the aggregates' values, which follow from the slots. */
  private withValues(slots: string): string {
    const values = this.node.calls.map((call) => {
      const value = this.maintained.get(call)?.value((slot) => this.slotOf(slot)) ?? 'null'
      return `${value} as ${q(call.name)}`
    })
    return select({ columns: ['*', ...values], from: `${nested(slots)} s` })
  }

  /** One expression for each stored column, over a row with keys, slots and values. */
  private tableRow(
    visible = this.items.map((item) => printExpression(item.expression)),
    keys = this.table.key.columns.map((column) => column.value ?? 'null'),
  ): string[] {
    let next = 0
    return this.table.columns.map((column) => {
      if (column.visible) return visible[next++] ?? 'null'
      const key = this.table.key.columns.findIndex((candidate) => candidate.name === column.name)
      if (key !== -1) return keys[key] ?? 'null'
      const slot = this.slots.find((candidate) => this.physical.get(candidate) === column.name)
      return slot === undefined ? 'null' : slotName(this.slots.indexOf(slot))
    })
  }

  private storedColumns(key: Key, itemTypes: readonly TypeFacts[]): StoredColumn[] {
    const visible = this.items.map((item, i) => storedColumn(item.name, itemTypes[i] ?? this.typeOf(item.name), true))
    const names = new Set(visible.map((column) => column.name))
    const keys = key.columns
      .filter((column) => column.hidden)
      .map((column) => hiddenColumn(column.name, column.sql, true))
    const slots = this.slots.flatMap((slot) => {
      const name = this.column(slot)
      return names.has(name) ? [] : [hiddenColumn(name, slot.sql, slot.notNull)]
    })
    return [...visible, ...keys, ...slots]
  }

  /** A visible column that is a slot's value serves as the slot. */
  private placeSlots(): Map<Slot, string> {
    const placed = new Map<Slot, string>()
    for (const item of this.items) {
      const call = this.node.calls.find((candidate) => candidate.name === soleColumn(item.expression))
      const direct = call === undefined ? null : (this.maintained.get(call)?.direct ?? null)
      const slot = direct === null ? undefined : this.slots.find((candidate) => candidate.identity === direct.identity)
      if (slot !== undefined && !placed.has(slot)) placed.set(slot, item.name)
    }
    this.slots.forEach((slot, i) => {
      if (!placed.has(slot)) placed.set(slot, i === 0 ? '__n' : `__s${i}`)
    })
    return placed
  }

  private chooseKey(shard: string | undefined): Key {
    const columns = this.node.keys.map((name) => ({ name, notNull: this.notNullKey(name), type: this.typeOf(name) }))
    const key = chooseKey(columns, (name) => this.items.find((item) => soleColumn(item.expression) === name)?.name)
    const shown = this.items.find(({ expression }) => shard !== undefined && soleColumn(expression) === shard)
    return shard === undefined || shown === undefined
      ? key
      : onShard(key, { name: shown.name, type: this.typeOf(shard) })
  }

  private notNullKey(name: string): boolean {
    return this.node.columns.some((column) => column.name === name && column.notNull)
  }

  /** Calls that share a slot each have a slot object of their own. */
  private slotOf(slot: Slot): string {
    return slotName(this.slots.findIndex((candidate) => candidate.identity === slot.identity))
  }

  private column(slot: Slot): string {
    const own = this.slots.find((candidate) => candidate.identity === slot.identity) ?? slot
    return this.physical.get(own) ?? '__n'
  }

  private argumentType(call: AggregateCall): TypeFacts | undefined {
    return call.argument === null ? undefined : this.typeOf(call.argument)
  }
}

function uniqueSlots(slots: readonly Slot[]): Slot[] {
  return [...new Map(slots.map((slot) => [slot.identity, slot])).values()]
}

const slotName = (i: number) => `__slot_${i + 1}`
const oldName = (i: number) => `__old_${i + 1}`
const newName = (i: number) => `__new_${i + 1}`
