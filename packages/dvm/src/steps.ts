import { type Chain, nested, type Part, q, withParts, type Writes } from './print/text.ts'
import type { Applied } from './stage/apply.ts'

/**
 * The parts of a statement as several statements, for one transaction whose snapshot does not move. Citus refuses a
 * statement that writes and reads tables of other nodes, or takes it apart in an order of its own; here the order is ours:
 *
 *   compute   what is read of placed tables, and then what each stage has to change, into temporary tables
 *   write     from these into the state tables; only now, because until here they were read as they were before
 *   discard   the temporary tables
 *
 * A part that reads a placed table is a temporary table as well, so that Citus plans that part alone, and PostgreSQL all
 * that is above it.
 */
export interface Steps {
  readonly compute: readonly string[]
  readonly write: readonly Write[]
  readonly discard: string
}

export interface Write {
  readonly text: string
  readonly writes: Writes
  /** Into the stream table itself. */
  readonly output: boolean
}

export interface SteppedParts {
  readonly chain: Chain
  /** Parts before this one are not looked at. */
  readonly from: number
  /** Parts that are temporary tables in any case, and others that are there already. */
  readonly tables: readonly string[]
  readonly present: readonly string[]
  /** What the last stage does. */
  readonly applied: Applied | null
  /** Names of the relations on other nodes, quoted. */
  readonly placed: readonly string[]
  /** The stream table's, where it is one of them. */
  readonly own: string | null
}

export function stepsOf({ chain, from, tables: first, present, applied, placed, own }: SteppedParts): Steps {
  const { parts } = chain
  const elsewhere = [...placed, ...(own === null ? [] : [own])]
  const read = parts
    .slice(from)
    .filter(({ body, writes }) => writes === null && elsewhere.some((name) => body.includes(name)))
  const computed = [...first, ...read.map(({ name }) => name), ...chain.computed]
  const tables = new Set([...computed, ...present])
  // of what is on several nodes, a statement can read no table that is on this one: but it takes what another has read
  const handed = (body: string, there: ReadonlySet<string>) =>
    own !== null && body.includes(own) ? readApart(body, there) : []
  const before = (name: string) => {
    const earlier = parts.slice(
      0,
      parts.findIndex((part) => part.name === name),
    )
    return new Set([...present, ...earlier.map((part) => part.name).filter((other) => tables.has(other))])
  }
  return {
    compute: parts
      .filter(({ name }) => computed.includes(name))
      .map(({ name, body }) =>
        temporary(
          name,
          withParts(
            [...handed(body, before(name)), ...needed(parts, body, tables, name)],
            `select * from ${nested(body)} computed`,
          ),
        ),
      ),
    write: parts.flatMap(({ name, body, writes }) =>
      writes === null
        ? []
        : [
            {
              text: withParts(
                [...handed(body, tables), ...needed(parts, body, tables), { name: WRITTEN, body, hint: '', writes }],
                `select count(*)::float8 as rows from ${WRITTEN}`,
              ),
              writes,
              output: applied !== null && [applied.deleted, ...applied.written].includes(name),
            },
          ],
    ),
    discard: tables.size === 0 ? 'select' : `drop table ${[...tables].map((name) => `pg_temp.${name}`).join(', ')}`,
  }
}

const NO_TABLES: ReadonlySet<string> = new Set()

const WRITTEN = q('__rows_written')

export function temporary(name: string, query: string): string {
  return `create temporary table ${name} on commit drop as\n${query}`
}

/** The temporary tables that `body` names, each read into a part of the same name; all of them are there already. */
function readApart(body: string, tables: ReadonlySet<string>): readonly Part[] {
  return [...tables]
    .filter((name) => body.includes(name))
    .map((name) => ({ name, body: `select * from pg_temp.${name}`, hint: 'materialized ', writes: null }))
}

/** The parts that `body` names, and those that they name, but for what is in tables. A name that only looks so does no harm. */
export function needed(
  parts: readonly Part[],
  body: string,
  tables: ReadonlySet<string> = NO_TABLES,
  before: string | null = null,
): readonly Part[] {
  const found: Part[] = []
  let text = body
  const end = before === null ? parts.length : parts.findIndex(({ name }) => name === before)
  for (const part of parts.slice(0, end).toReversed()) {
    if (tables.has(part.name) || part.writes !== null || !text.includes(part.name)) continue
    found.unshift(part)
    text += part.body
  }
  return found
}
