import { displayName, FreshetError, quoteIdentifier, type Queryable, sql } from '@freshet/core'

/**
 * Row-level security. A stream table holds the answer over all rows: capture sees every row that is written, whatever a
 * policy says, so an answer over those that one role may see could not be kept. Where policies apply to Freshet's role,
 * the query is refused; and each refresh reads with `row_security` off, so that a policy which comes later is an error
 * and never a silently smaller answer. Who may see which rows of the answer is said by policies on the stream table.
 */
export async function refuseRowSecurity(queryable: Queryable, relations: readonly number[]): Promise<void> {
  const [first] = await secured(queryable, relations)
  if (first === undefined) return
  const { role, owner, ...relation } = first
  throw new FreshetError(
    'ROW_SECURITY',
    `row-level security of ${displayName(relation)} applies to the role ${role}, so it does not see all rows`,
    {
      hint: `alter role ${quoteIdentifier(role)} bypassrls; or make it a member of the owner: grant ${quoteIdentifier(owner)} to ${quoteIdentifier(role)};`,
    },
  )
}

interface Secured {
  readonly schema: string
  readonly table: string
  readonly role: string
  readonly owner: string
}

/** Those to which policies apply when this role reads them. */
export async function secured(queryable: Queryable, relations: readonly number[]): Promise<readonly Secured[]> {
  return queryable.query<Secured>(sql`
    select n.nspname as schema, c.relname as table, current_user::text as role, pg_catalog.pg_get_userbyid(c.relowner)::text as owner
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = any(${[...relations]}::oid[]) and c.relrowsecurity and pg_catalog.row_security_active(c.oid)
    order by 1, 2`)
}
