import { quoteIdentifier } from '@freshet/core'

import { Unsupported } from '../unsupported.ts'

/** Laying out SQL text: indentation, lists, and a chain of common table expressions with names that say what they hold. */
export const q = quoteIdentifier

export function indent(text: string, depth = 1): string {
  const pad = '  '.repeat(depth)
  return text.replaceAll(/^(?=.)/gm, pad)
}

/** `(select …)` over several lines, ready for FROM. */
export function nested(select: string): string {
  return `(\n${indent(select)}\n)`
}

export interface Select {
  readonly columns: readonly string[]
  readonly from?: string
  readonly where?: readonly string[]
  readonly groupBy?: readonly string[]
  readonly having?: readonly string[]
  readonly orderBy?: string
  readonly limit?: number
}

/** One SELECT; clauses that are empty are left out. A select list may be empty: rows without columns still count. */
export function select(parts: Select): string {
  const lines = [parts.columns.length === 0 ? 'select' : `select ${parts.columns.join(', ')}`]
  if (parts.from !== undefined) lines.push(`from ${parts.from}`)
  if (parts.where !== undefined && parts.where.length > 0) lines.push(`where ${parts.where.join('\n  and ')}`)
  if (parts.groupBy !== undefined && parts.groupBy.length > 0) lines.push(`group by ${parts.groupBy.join(', ')}`)
  if (parts.having !== undefined && parts.having.length > 0) lines.push(`having ${parts.having.join(' and ')}`)
  if (parts.orderBy !== undefined) lines.push(`order by ${parts.orderBy}`)
  if (parts.limit !== undefined) lines.push(`limit ${parts.limit}`)
  return lines.join('\n')
}

/** Two rows differ in their binary image. The casts keep PostgreSQL from comparing column by column. */
export function imagesDiffer(left: readonly string[], right: readonly string[]): string {
  return `row(${left.join(', ')})::record *<> row(${right.join(', ')})::record`
}

/** The same where Citus passes the statement on: it leaves the casts out. */
export function sentImagesDiffer(left: readonly string[], right: readonly string[]): string {
  return `record_send(row(${left.join(', ')})) <> record_send(row(${right.join(', ')}))`
}

/** A composite value with a null among its fields is neither null nor `is not null`, and one of nulls is `is null`. */
export function isNull(value: string, type: { readonly builtin: boolean }): string {
  return `${value} ${type.builtin ? 'is null' : 'is not distinct from null'}`
}

export function isNotNull(value: string, type: { readonly builtin: boolean } | undefined): string {
  return `${value} ${type?.builtin === false ? 'is distinct from null' : 'is not null'}`
}

/** Any one of a group's values. Aggregating arrays would make one array of higher dimension of them. */
export function anyValue(value: string, type: { readonly sql: string; readonly array: boolean }): string {
  return type.array ? `(array_agg(${value}::text))[1]::${type.sql}` : `(array_agg(${value}))[1]`
}

/** The one value of a group whose row meets the condition. Of arrays it would be none; what has them is not asked for it. */
export function theOne(value: string, condition: string): string {
  return `(array_agg(${value}) filter (where ${condition}))[1]`
}

/**
 * A condition that always holds, between bounds that PostgreSQL does not know when it plans: it expects one row in two
 * hundred. For what it would take for many rows, and is few.
 */
export function asFew(value: string, least: number, most: string): string {
  return `${value} between (select ${least}) and (select ${most})`
}

/** One of the named parts; `writes`: what it does to a table besides giving rows. */
export interface Part {
  readonly name: string
  readonly body: string
  readonly hint: string
  readonly writes: Writes | null
}

export type Writes = 'deleted' | 'written' | 'emitted'

interface PartOptions {
  readonly materialized?: boolean
  readonly writes?: Writes
}

/** Named parts of one statement, in the order in which they were added. `most`: characters that it may have, any number if left out. */
export class Chain {
  private readonly added: Part[] = []
  private readonly applied = new Set<string>()
  private readonly names = new Set<string>()
  private readonly most: number
  private length = 0

  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most
  }

  /** Adds `name as (body)` and returns the quoted name, made unique. */
  add(label: string, body: string, options: PartOptions = {}): string {
    const name = q(this.unique(label))
    const hint = options.materialized === undefined ? '' : options.materialized ? 'materialized ' : 'not materialized '
    this.length += body.length
    if (this.length > this.most)
      throw new Unsupported('TOO_COMPLEX', `the statement of a refresh has more than ${this.most} characters`)
    this.added.push({ name, body, hint, writes: options.writes ?? null })
    return name
  }

  statement(final: string): string {
    return withParts(this.added, final)
  }

  /** What a part has computed is written somewhere: several parts that write read it. */
  isApplied(name: string): void {
    this.applied.add(name)
  }

  /** Those, in the order in which they were added. */
  get computed(): readonly string[] {
    return this.added.filter(({ name }) => this.applied.has(name)).map(({ name }) => name)
  }

  /** In the order in which they were added. */
  get parts(): readonly Part[] {
    return this.added
  }

  private unique(label: string): string {
    const short = truncate(label, 58)
    for (let n = 1; ; n++) {
      const name = n === 1 ? short : `${short} ${n}`
      if (this.names.has(name)) continue
      this.names.add(name)
      return name
    }
  }
}

/** A statement over parts; each may name those before it. */
export function withParts(parts: readonly Part[], final: string): string {
  if (parts.length === 0) return final
  return `with ${parts.map(({ name, body, hint }) => `${name} as ${hint}(\n${indent(body)}\n)`).join(',\n')}\n${final}`
}

const encoder = new TextEncoder()

function truncate(label: string, bytes: number): string {
  let short = label
  while (encoder.encode(short).length > bytes) short = [...short].slice(0, -1).join('')
  return short
}
