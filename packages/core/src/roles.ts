import { CATALOG_SCHEMA, CHANGES_SCHEMA } from './names.ts'
import { type Fragment, identifier, literal, raw, sql } from './sql.ts'

/**
 * Four roles with as few rights as their work takes, as a script for the database's owner. It is safe to repeat, and is
 * run twice: before `freshet init`, and once afterwards, for the tables that this made.
 *
 *   owner       installs, creates, alters, drops, repairs: owns Freshet's schemas and the stream tables
 *   refresher   runs `serve` and `refresh`: reads sources, writes stream tables, and can change no definition
 *   reader      reads stream tables
 *   writer      writes to sources; capture needs nothing of it
 */
export interface RolesSpec {
  /** `<prefix>_owner`, `<prefix>_refresher`, … */
  readonly prefix: string
  readonly database: string
  /** Where sources and stream tables live. */
  readonly schemas: readonly string[]
}

export function rolesScript({ prefix, database, schemas }: RolesSpec): string {
  const [owner, refresher, reader, writer] = ['owner', 'refresher', 'reader', 'writer'].map(
    (role) => `${prefix}_${role}`,
  )
  const roles = { owner: owner ?? '', refresher: refresher ?? '', reader: reader ?? '', writer: writer ?? '' }
  const statements = [
    ...Object.values(roles).map(createRole),
    sql`grant create, temporary on database ${identifier(database)} to ${identifier(roles.owner)}`,
    sql`grant temporary on database ${identifier(database)} to ${identifier(roles.refresher)}`,
    ...[CATALOG_SCHEMA, CHANGES_SCHEMA].flatMap((schema) => [
      ensureSchema(schema, roles.owner),
      sql`revoke all on schema ${identifier(schema)} from public`,
      sql`grant usage on schema ${identifier(schema)} to ${identifier(roles.refresher)}`,
    ]),
    ...inChanges(roles),
    ...schemas.flatMap((schema) => inSchema(schema, roles)),
    inCatalog(roles),
  ]
  return `${statements.map(({ text }) => `${text};`).join('\n\n')}\n`
}

type Roles = Readonly<Record<'owner' | 'refresher' | 'reader' | 'writer', string>>

/** They may log in, but have no password yet. */
function createRole(role: string): Fragment {
  return block(sql`if not exists (select from pg_catalog.pg_roles where rolname = ${literal(role)}) then
    create role ${identifier(role)} login;
  end if;`)
}

function ensureSchema(schema: string, owner: string): Fragment {
  return block(sql`if to_regnamespace(${literal(schema)}) is null then
    create schema ${identifier(schema)} authorization ${identifier(owner)};
  end if;`)
}

function inChanges({ owner, refresher }: Roles): readonly Fragment[] {
  const to = identifier(refresher)
  const schema = identifier(CHANGES_SCHEMA)
  return [
    sql`grant select, insert, update, delete on all tables in schema ${schema} to ${to}`,
    sql`alter default privileges for role ${identifier(owner)} in schema ${schema}
  grant select, insert, update, delete on tables to ${to}`,
  ]
}

/** Stream tables are the owner's; what else is there are sources. */
function inSchema(schema: string, { owner, refresher, reader, writer }: Roles): readonly Fragment[] {
  const here = identifier(schema)
  const tables = (condition: string, grants: Fragment) =>
    block(
      sql`for t in select c.oid::regclass as name from pg_catalog.pg_class c
    where c.relnamespace = ${literal(identifier(schema).text)}::regnamespace and c.relkind in ('r', 'p')
      and pg_get_userbyid(c.relowner) ${raw(condition)} ${literal(owner)}
  loop
    ${grants}
  end loop;`,
      sql`declare t record;`,
    )
  const grant = (what: string, to: string) =>
    sql`execute format(${literal(`grant ${what} on %s to ${identifier(to).text.replaceAll('%', '%%')}`)}, t.name);`
  return [
    sql`grant usage, create on schema ${here} to ${identifier(owner)}`,
    sql`grant usage on schema ${here} to ${identifier(refresher)}, ${identifier(reader)}, ${identifier(writer)}`,
    tables(
      '<>',
      sql`${grant('select, trigger', owner)}
    ${grant('select', refresher)}
    ${grant('select, insert, update, delete', writer)}`,
    ),
    tables(
      '=',
      sql`${grant('select, insert, update, delete', refresher)}
    ${grant('select', reader)}`,
    ),
    sql`alter default privileges for role ${identifier(owner)} in schema ${here}
  grant select, insert, update, delete on tables to ${identifier(refresher)}`,
    sql`alter default privileges for role ${identifier(owner)} in schema ${here}
  grant select on tables to ${identifier(reader)}`,
  ]
}

/**
 * The state and the history are what a refresh writes; definitions, sources and settings it reads. Of a source it may say
 * that its gate is as it was wanted to be: of one without a capture, the gate is nothing but that word.
 */
function inCatalog({ refresher }: Roles): Fragment {
  const to = identifier(refresher)
  const schema = identifier(CATALOG_SCHEMA)
  return block(sql`if to_regclass('freshet.stream_table_state') is not null then
    grant select on all tables in schema ${schema} to ${to};
    grant update on freshet.stream_table_state to ${to};
    grant update (gate) on freshet.source to ${to};
    grant insert, update, delete on freshet.refresh_history to ${to};
    if to_regclass('freshet.freshness') is not null then
      grant insert, update, delete on freshet.freshness to ${to};
    end if;
    if to_regclass('freshet.freshness_by_day') is not null then
      grant update, delete on freshet.freshness_by_day to ${to};
    end if;
    if exists (select from pg_catalog.pg_attribute where attrelid = 'freshet.stream_table'::regclass and attname = 'unit') then
      grant update (unit) on freshet.stream_table to ${to};
    end if;
    if to_regclass('freshet.subscription') is not null then
      grant insert, update, delete on freshet.subscription to ${to};
    end if;
    if to_regclass('freshet.lease') is not null then
      grant insert, update on freshet.lease to ${to};
      grant usage on sequence freshet.lease_token to ${to};
    end if;
    if to_regclass('freshet.node_health') is not null then
      grant insert, update, delete on freshet.node_health, freshet.collection to ${to};
    end if;
    if to_regclass('freshet.shard_queue_reader') is not null then
      grant update on freshet.shard_queue_reader to ${to};
      grant usage on sequence freshet.collection_number to ${to};
    end if;
    if to_regclass('freshet.shard_epoch') is not null then
      grant insert, update, delete on freshet.shard_epoch to ${to};
    end if;
    if to_regclass('freshet.consumer') is not null then
      grant insert, update on freshet.consumer to ${to};
      grant usage on sequence freshet.consumer_generation to ${to};
      grant update (keep_ms) on freshet.outbox to ${to};
      grant insert, update, delete on freshet.dead_letter to ${to};
    end if;
  end if;`)
}

/** Quoted by a tag that is nowhere in it, whatever the names are. */
function block(body: Fragment, declare: Fragment = raw('')): Fragment {
  let tag = 'freshet'
  while (body.text.includes(`$${tag}$`)) tag += '_'
  return sql`do ${raw(`$${tag}$`)}
${declare}
begin
  ${body}
end ${raw(`$${tag}$`)}`
}
