import { type Queryable, sql } from '@freshet/core'
import type { TypeFacts } from '@freshet/dvm'

/**
 * What the compiler must know of a type: how it is written, how far its equality goes, whether it can be a key.
 * Read from pg_type, with base types and element types.
 */
export interface ColumnType {
  readonly oid: number
  readonly sql: string
  readonly collation: string | null
  readonly deterministic: boolean
  readonly modifier: number
}

interface TypeRow {
  readonly oid: number
  readonly name: string
  readonly schema: string
  readonly kind: string
  readonly category: string
  readonly element: number
  readonly base: number
  readonly length: number
  readonly ordered: boolean
}

export class TypeCatalog {
  private readonly rows: ReadonlyMap<number, TypeRow>

  private constructor(rows: ReadonlyMap<number, TypeRow>) {
    this.rows = rows
  }

  static async load(transaction: Queryable, oids: readonly number[]): Promise<TypeCatalog> {
    const rows = await transaction.query<TypeRow>(sql`
      with recursive wanted(oid) as (
        select unnest(${[...new Set(oids)]}::oid[])
        union
        select related.oid
        from wanted
        join pg_catalog.pg_type t on t.oid = wanted.oid
        left join pg_catalog.pg_range r on r.rngtypid = t.oid or r.rngmultitypid = t.oid
        cross join lateral (values (t.typelem), (t.typbasetype), (r.rngsubtype)) related(oid)
        where related.oid <> 0
      )
      select t.oid::int8::float8 as oid, t.typname as name, n.nspname as schema, t.typtype as kind, t.typcategory as category,
        coalesce(nullif(t.typelem, 0), r.rngsubtype, 0)::int8::float8 as element, t.typbasetype::int8::float8 as base,
        t.typlen as length,
        exists (
          select from pg_catalog.pg_opclass c
          join pg_catalog.pg_am a on a.oid = c.opcmethod and a.amname = 'btree'
          where c.opcdefault and c.opcintype = t.oid
        ) as ordered
      from wanted
      join pg_catalog.pg_type t using (oid)
      join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      left join pg_catalog.pg_range r on r.rngtypid = t.oid or r.rngmultitypid = t.oid`)
    return new TypeCatalog(new Map(rows.map((row) => [row.oid, row])))
  }

  facts(column: ColumnType): TypeFacts {
    const { equality, canonical } = this.identity(column.oid, column.deterministic)
    const base = this.base(column.oid)
    return {
      sql: column.sql,
      collation: column.collation,
      equality,
      canonical,
      bounded: isBounded(base, column.modifier),
      builtin: this.isBuiltin(base),
      array: base.category === 'A',
      ordered: this.isOrdered(base),
    }
  }

  private base(oid: number): TypeRow {
    const row = this.rows.get(oid)
    if (row === undefined) throw new TypeError(`type ${oid} was not loaded`)
    return row.kind === 'd' ? this.base(row.base) : row
  }

  private isBuiltin(row: TypeRow): boolean {
    if (row.schema === 'pg_catalog' || row.kind === 'e') return true
    return (
      (row.category === 'A' || row.kind === 'r' || row.kind === 'm') &&
      row.element !== 0 &&
      this.isBuiltin(this.base(row.element))
    )
  }

  private isOrdered(row: TypeRow): boolean {
    if (row.ordered || row.kind === 'e' || row.kind === 'r' || row.kind === 'm') return true
    // varchar and friends use the operator class of text; arrays and ranges order by their elements
    if (row.schema === 'pg_catalog' && (row.name === 'varchar' || row.name === 'cidr')) return true
    return row.category === 'A' && row.element !== 0 && this.isOrdered(this.base(row.element))
  }

  /** `canonical` is an expression over `$` whose binary image is equal exactly when the values are. */
  private identity(oid: number, deterministic: boolean): Pick<TypeFacts, 'equality' | 'canonical'> {
    const row = this.base(oid)
    if (row.kind === 'e') return EXACT
    if (row.category === 'A' || row.kind === 'r' || row.kind === 'm') {
      const element = row.element === 0 ? UNKNOWN : this.identity(row.element, deterministic)
      return element.equality === 'exact' ? EXACT : { equality: element.equality, canonical: null }
    }
    if (row.schema !== 'pg_catalog') return row.ordered || row.kind === 'c' ? UNKNOWN : NO_EQUALITY
    if (COLLATED.has(row.name)) return deterministic ? EXACT : UNKNOWN
    if (EXACT_TYPES.has(row.name)) return EXACT
    const canonical = CANONICAL[row.name]
    if (canonical !== undefined) return { equality: 'coarse', canonical }
    return row.ordered ? UNKNOWN : NO_EQUALITY
  }
}

type Identity = Pick<TypeFacts, 'equality' | 'canonical'>
const EXACT: Identity = { equality: 'exact', canonical: '$' }
const UNKNOWN: Identity = { equality: 'coarse', canonical: null }
const NO_EQUALITY: Identity = { equality: 'none', canonical: null }

const COLLATED = new Set(['text', 'varchar', 'name'])
const EXACT_TYPES = new Set(
  `bool int2 int4 int8 oid char date timestamp timestamptz time timetz uuid bytea inet cidr macaddr macaddr8 money bit
  varbit pg_lsn xid8 tid tsvector`.split(/\s+/),
)
/** Numbers in a jsonb are numerics, and 1.0 equals 1.00: zeros at their ends are cut off, outside of strings. */
const CANONICAL: Readonly<Record<string, string>> = {
  numeric: 'trim_scale($)',
  float4: '($ + 0::real)',
  float8: '($ + 0::double precision)',
  interval: 'justify_interval($)',
  bpchar: '($)::text',
  jsonb: String.raw`pg_catalog.regexp_replace(($)::text, '("(?:[^"\\]|\\.)*")|(\d+)(?:\.0+|(\.\d*[1-9])0+)(?!\d)', '\1\2\3', 'g')`,
}

const SHORT = 200

function isBounded(row: TypeRow, modifier: number): boolean {
  if (row.length > 0 || row.kind === 'e') return true
  if (row.name === 'numeric') return modifier >= 0
  if (row.name === 'varchar' || row.name === 'bpchar') return modifier >= 0 && modifier - 4 <= SHORT
  return row.name === 'inet' || row.name === 'cidr'
}
