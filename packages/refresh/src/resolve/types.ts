import { type Queryable, sql } from '@freshet/core'
import type { TypeFacts } from '@freshet/dvm'
import {
  EXACT,
  type Identity,
  identityOf,
  identityOfArray,
  identityOfComposite,
  identityOfMultirange,
  identityOfRange,
  NO_EQUALITY,
  UNKNOWN,
} from './identity.ts'

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
  /** The relation of a type that is composite and no table's. */
  readonly composite: number | null
  /** Of a composite type; names are quoted. */
  readonly fields: readonly { readonly name: string; readonly oid: number; readonly deterministic: boolean }[] | null
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
        cross join lateral (
          values (t.typelem), (t.typbasetype), (r.rngsubtype)
          union all
          select a.atttypid from pg_catalog.pg_attribute a
          where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        ) related(oid)
        where related.oid <> 0
      )
      select t.oid::int8::float8 as oid, t.typname as name, n.nspname as schema, t.typtype as kind, t.typcategory as category,
        coalesce(nullif(t.typelem, 0), r.rngsubtype, 0)::int8::float8 as element, t.typbasetype::int8::float8 as base,
        t.typlen as length,
        (select c.oid::int8::float8 from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind = 'c') as composite,
        (
          select json_agg(json_build_object('name', quote_ident(a.attname), 'oid', a.atttypid::int8,
            'deterministic', coalesce(l.collisdeterministic, true)) order by a.attnum)
          from pg_catalog.pg_attribute a left join pg_catalog.pg_collation l on l.oid = a.attcollation
          where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
        ) as fields,
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

  /** The relations of composite types that may change their fields: not those of tables. */
  get composites(): readonly number[] {
    return [...this.rows.values()].flatMap(({ composite }) => composite ?? [])
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

  private identity(oid: number, deterministic: boolean): Identity {
    const row = this.base(oid)
    if (row.kind === 'e') return EXACT
    const element = () => (row.element === 0 ? UNKNOWN : this.identity(row.element, deterministic))
    if (row.category === 'A') return identityOfArray(element())
    if (row.kind === 'r') return identityOfRange(element())
    if (row.kind === 'm') return identityOfMultirange(element())
    if (row.kind === 'c' && row.fields !== null)
      return identityOfComposite(
        row.fields.map((field) => ({
          name: field.name,
          identity: this.identity(field.oid, field.deterministic),
        })),
      )
    if (row.schema !== 'pg_catalog') return row.ordered ? UNKNOWN : NO_EQUALITY
    return identityOf(row.name, row.ordered, deterministic)
  }
}

const SHORT = 200

function isBounded(row: TypeRow, modifier: number): boolean {
  if (row.length > 0 || row.kind === 'e') return true
  if (row.name === 'numeric') return modifier >= 0
  if (row.name === 'varchar' || row.name === 'bpchar') return modifier >= 0 && modifier - 4 <= SHORT
  return row.name === 'inet' || row.name === 'cidr'
}
