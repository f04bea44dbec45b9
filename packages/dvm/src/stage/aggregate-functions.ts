import type { TypeFacts } from '../facts.ts'
import type { AggregateCall } from '../plan/plan.ts'
import { printExpression } from '../print/expression.ts'
import { isNotNull, q } from '../print/text.ts'

/**
 * How each aggregate is maintained: the state it keeps a group in (slots), how a slot takes a delta, and how the value
 * follows from the slots. `d` is the group's delta, `t` its stored state; a slot that can not take a delta says when the
 * group must be computed again from its rows.
 *
 *   count          adds
 *   sum, avg       add, for exact types; NULL when no value is left; NaN and infinities are computed again
 *   min, max       take the least or greatest; computed again when the extremum may have left
 *   bool_and/or    count the false and the true
 *   anything else  is computed again for the groups that changed
 */
export interface Slot {
  /** What the slot holds; equal identities share one slot. */
  readonly identity: string
  readonly sql: string
  readonly notNull: boolean
  /** Aggregates over the group's delta rows, by the name under which `next` reads them. */
  readonly deltas: Readonly<Record<string, string>>
  /** The new state, given how stored slots are read; null: the group is always computed again. */
  readonly next: ((stored: Stored) => string) | null
  /** Conditions under which `next` is not to be trusted. */
  readonly again: readonly ((stored: Stored) => string)[]
  /** The state from all rows of the group. */
  readonly full: string
}

/** The stored column of a slot: `t."…"`. */
export type Stored = (slot: Slot) => string

export interface Maintained {
  readonly slots: readonly Slot[]
  /** The slot that is the value itself, where there is one. */
  readonly direct: Slot | null
  /** The aggregate's value, over slot columns. */
  readonly value: (column: (slot: Slot) => string) => string
}

export interface AggregateTypes {
  readonly argument: TypeFacts | undefined
  readonly result: TypeFacts
}

/** Rows in the group. Every group has it: a group without rows does not exist. */
export const GROUP_SIZE: Slot = counter('count(*)', 'count(*)', 'sum(__w)')

export interface AggregateContext {
  /** The argument is never null, so rows that have a value are rows. */
  readonly argumentNotNull: boolean
  /** There is one group, and it stays when it is empty. */
  readonly single: boolean
  /** The value is shown as it is: nothing computes with it, so no more than equality is asked of it. */
  readonly shownOnly: boolean
}

export function maintain(call: AggregateCall, types: AggregateTypes, context: AggregateContext): Maintained {
  switch (call.method) {
    case 'count':
      return direct(valuesOf(call, types, context))
    case 'sum':
      return isAdditive(types.result) ? sum(call, types, context) : recomputed(call, types)
    case 'avg':
      return types.result.sql === 'numeric' ? average(call, types, context) : recomputed(call, types)
    case 'min':
    case 'max':
      return types.result.builtin && types.result.ordered
        ? direct(extremum(call, types, context.single))
        : recomputed(call, types)
    case 'bool_and':
    case 'bool_or':
      return boolean(call)
    case 'recompute':
      return recomputed(call, types)
  }
}

function direct(slot: Slot, others: readonly Slot[] = []): Maintained {
  return { slots: [slot, ...others], direct: slot, value: (column) => column(slot) }
}

function counter(identity: string, full: string, delta: string): Slot {
  const name = deltaName(identity)
  const slot: Slot = {
    identity,
    sql: 'bigint',
    notNull: true,
    deltas: { [name]: delta },
    next: (stored) => `coalesce(${stored(slot)}, 0) + coalesce(d.${q(name)}, 0)::bigint`,
    again: [],
    full,
  }
  return slot
}

/** Rows in the group that have a value to aggregate. */
function valuesOf(call: AggregateCall, types: AggregateTypes, { argumentNotNull }: AggregateContext): Slot {
  const every = call.filter === null && (call.argument === null || argumentNotNull)
  return every ? GROUP_SIZE : countOf(call, isThere(call, types))
}

function isThere(call: AggregateCall, types: AggregateTypes): string {
  return isNotNull(argumentOf(call), types.argument)
}

function countOf(call: AggregateCall, condition = `${argumentOf(call)} is not null`): Slot {
  const where = filterClause([...(call.argument === null ? [] : [condition]), ...filterOf(call)])
  return counter(`count${where}`, `count(*)${where}`, `sum(__w)${where}`)
}

function sum(call: AggregateCall, types: AggregateTypes, context: AggregateContext): Maintained {
  const count = valuesOf(call, types, context)
  const plain = sumSlot(call, types, types.result.sql, count)
  const [total, ...others] = context.shownOnly ? [plain] : scaled(call, types, plain)
  return direct(total, [...others, count])
}

function average(call: AggregateCall, types: AggregateTypes, context: AggregateContext): Maintained {
  const count = valuesOf(call, types, context)
  const [total, ...others] = scaled(call, types, sumSlot(call, types, 'numeric', count))
  return {
    slots: [total, ...others, count],
    direct: null,
    value: (column) => `${column(total)} / nullif(${column(count)}, 0)`,
  }
}

/**
 * A quotient is as precise as its sum's scale. Where the last value with the largest scale may have left, the group is
 * summed again: not while all values have one scale, which the least scale ever seen tells.
 */
function scaled(call: AggregateCall, types: AggregateTypes, total: Slot): readonly [Slot, ...Slot[]] {
  if (types.argument?.sql !== 'numeric') return [total]
  const among = (aggregate: string, ...conditions: string[]) =>
    `${aggregate}(scale(${argumentOf(call)}))${filterClause([...conditions, ...filterOf(call)])}`
  const left = `d.${q(deltaName(`scale that left, ${total.identity}`))}`
  const arrived = `d.${q(deltaName(`scale that arrived, ${total.identity}`))}`
  const least: Slot = {
    identity: `least scale of ${total.identity}`,
    sql: 'integer',
    notNull: false,
    deltas: { [deltaName(`scale that arrived, ${total.identity}`)]: among('min', '__w > 0') },
    next: (stored) => `least(${stored(least)}, ${arrived})`,
    again: [],
    full: among('min'),
  }
  const slot: Slot = {
    ...total,
    identity: `${total.identity} with its scale`,
    deltas: { ...total.deltas, [deltaName(`scale that left, ${total.identity}`)]: among('max', '__w < 0') },
    next: (stored) => total.next?.((inner) => stored(inner === total ? slot : inner)) ?? 'null',
    again: [
      ...total.again.map(
        (condition) => (stored: Stored) => condition((inner) => stored(inner === total ? slot : inner)),
      ),
      (stored) => {
        const scale = `scale(${stored(slot)})`
        const last = `(${left} > ${scale} or (${left} = ${scale} and least(${stored(least)}, ${arrived}) < ${scale}))`
        return `(${last} and (${scale} > 4 or abs(${stored(slot)}) >= 1e12))`
      },
    ],
  }
  return [slot, least]
}

function sumSlot(call: AggregateCall, types: AggregateTypes, sql: string, count: Slot): Slot {
  const argument = argumentOf(call)
  const where = filterClause(filterOf(call))
  const name = deltaName(`sum ${argument}${where}`)
  const argumentType = types.argument?.sql ?? 'numeric'
  const zero = sql === 'money' ? '0::money' : '0'
  const total = (stored: Stored) => `(coalesce(${stored(slot)}, ${zero}) + coalesce(d.${q(name)}, ${zero}))`
  const slot: Slot = {
    identity: `sum(${argument})${where} as ${sql}`,
    sql,
    notNull: false,
    deltas: { [name]: `sum(${weighted(argument, argumentType)})${where}` },
    next: (stored) => `case when ${count.next?.(stored) ?? 'null'} = 0 then null else ${total(stored)}::${sql} end`,
    // Once in a sum, NaN and infinities stay in it.
    again: argumentType.startsWith('numeric')
      ? [(stored) => `${total(stored)} = any ('{NaN,Infinity,-Infinity}'::numeric[])`]
      : [],
    full: `(sum(${argument})${where})::${sql}`,
  }
  return slot
}

/**
 * The product with a weight. It must not overflow the argument's own type; and as nearly all weights are 1 or −1, it
 * should not cost a multiplication of numerics, which is dear.
 */
function weighted(argument: string, type: string): string {
  if (type === 'integer' || type === 'smallint') return `${argument}::bigint * __w`
  if (type === 'money') return `${argument} * __w`
  const wide = type === 'bigint' ? `${argument}::numeric` : argument
  return `case when __w = 1 then ${wide} when __w = -1 then -${wide} else ${wide} * __w end`
}

function extremum(call: AggregateCall, types: AggregateTypes, single: boolean): Slot {
  const [pick, beyond] = call.method === 'min' ? ['least', '<='] : ['greatest', '>=']
  const identity = `${call.method}(${argumentOf(call)})${filterClause(filterOf(call))}`
  const arrived = deltaName(`arrived ${identity}`)
  const left = deltaName(`left ${identity}`)
  const among = (condition: string) =>
    `${call.method}(${argumentOf(call)})${filterClause([condition, ...filterOf(call)])}`
  const slot: Slot = {
    identity,
    sql: types.result.sql,
    notNull: false,
    deltas: { [arrived]: among('__w > 0'), [left]: among('__w < 0') },
    next: (stored) => `${pick}(${stored(slot)}, d.${q(arrived)})`,
    again: [
      (stored) => {
        const gone = `d.${q(left)} ${beyond} ${pick}(${stored(slot)}, d.${q(arrived)})`
        return single ? gone : `(${gone} and ${GROUP_SIZE.next?.(stored) ?? 'null'} > 0)`
      },
    ],
    full: printExpression(call.call),
  }
  return slot
}

function boolean(call: AggregateCall): Maintained {
  const count = countOf(call)
  const deciding = countOf(call, call.method === 'bool_and' ? `not ${argumentOf(call)}` : argumentOf(call))
  const verdict = call.method === 'bool_and' ? '= 0' : '> 0'
  return {
    slots: [deciding, count],
    direct: null,
    value: (column) => `case when ${column(count)} > 0 then ${column(deciding)} ${verdict} end`,
  }
}

function recomputed(call: AggregateCall, types: AggregateTypes): Maintained {
  const full = printExpression(call.call)
  return direct({
    identity: full,
    sql: types.result.sql,
    notNull: false,
    deltas: {},
    next: null,
    again: [() => 'true'],
    full,
  })
}

function isAdditive(type: TypeFacts): boolean {
  return type.sql === 'bigint' || type.sql === 'numeric' || type.sql === 'money'
}

function argumentOf(call: AggregateCall): string {
  return q(call.argument ?? '')
}

function filterOf(call: AggregateCall): string[] {
  return call.filter === null ? [] : [q(call.filter)]
}

function filterClause(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` filter (where ${conditions.join(' and ')})`
}

/** A column name for a delta: what it is, cut to fit an identifier and told apart by a checksum. */
function deltaName(label: string): string {
  if (label.length <= 40) return `__${label}`
  let sum = 7
  for (const character of label) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 2_147_483_647
  return `__${[...label].slice(0, 24).join('')} ${sum.toString(36)}`
}
