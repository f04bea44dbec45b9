import { type Fragment, identifier, join, literal, raw, sql } from '@freshet/core'
import type { ImmediateStatement, ImmediateStatements, NotesOf, PendingTable } from '@freshet/dvm'
import type { Definition, StoredPlan } from '../definition.ts'
import type { Member } from './triggers.ts'

/**
 * The functions that keep an immediate stream table in its writers' transactions.
 *
 *   enter   before a statement on a source: opens it; the first one open takes the turn and decides the course
 *   note    after it, with its transition tables: notes the changes, closes it; the last one to close applies
 *   apply   all that is noted, of every source, at once
 *
 * Law: a delta is computed when, and only when, everything that the base tables show of this transaction is noted.
 *
 *   before = after − Δ        for every source, because Δ holds whatever the statement did
 *
 * One statement of a writer can change several sources, or one in several ways: ON CONFLICT DO UPDATE, MERGE, common
 * table expressions that write, cascading foreign keys, triggers that write elsewhere. Its transition tables come one
 * after the other, when the tables already show everything. So statements are counted: PostgreSQL fires the BEFORE
 * trigger when a statement starts on a table, and the AFTER trigger of the same once, when all of the outermost
 * statement is done with it. Between them somebody's change is not noted yet; when none is open, none is missing.
 *
 * The count lies in a setting that is local to the transaction: rolling back to a savepoint, or an exception that is
 * caught, takes it back together with the notes. It is `{open, round, course, rows, sources}`; a round is what is applied
 * together, so that notes are found by an index however many the transaction has left behind.
 *
 * Other writers: what a delta reads beside the noted rows (the other side of a join, groups, copies of a row) must be as
 * the last commit left it. So a writer takes its turn before it changes anything, by updating the state row, and keeps
 * it until it ends; the snapshot in which it applies is younger than the turn. Where PostgreSQL would not give it a
 * younger one (REPEATABLE READ, SERIALIZABLE), updating the row fails if anybody had a turn since the snapshot was taken.
 * Where the rows noted are all that a delta reads (`turns` is false), nobody waits for anybody.
 */
export interface Functions {
  readonly enter: Fragment
  readonly apply: Fragment
  /** By position of the source in the plan. */
  readonly note: readonly Fragment[]
}

export function functionNames(definition: Pick<Definition, 'stableName'>, sources: number): Functions {
  const name = (what: string) => identifier('freshet_changes', `${what}_${definition.stableName}`)
  return {
    enter: name('enter'),
    apply: name('apply'),
    note: Array.from({ length: sources }, (_, i) =>
      identifier('freshet_changes', `note_${definition.stableName}_${i + 1}`),
    ),
  }
}

/** The count, as the setting holds it. */
const OPEN = 1
const ROUND = 2
const COURSE = 3
const ROWS = 4
/** Which sources have notes, a bit for each. */
const SOURCES = 5

/** Beyond this many, sources share a bit, which stands for no single one. */
const LAST_BIT = 30

function bitOf(position: number): number {
  return 2 ** Math.min(position, LAST_BIT)
}

/** What the open statements lead to. */
const DELTA = 0
const REFILL = 1
const NOTHING = 2

function countOf(id: number): string {
  return `coalesce(nullif(current_setting('${settingOf(id)}', true), ''), '{0,0,${DELTA},0,0}')::int[]`
}

function settingOf(id: number): string {
  return `freshet.immediate_${id}`
}

/** The notes of the transaction's last round: `note` counts on before it applies. */
export function ownNotes(id: number): NotesOf {
  return {
    transaction: '(select pg_current_xact_id())',
    round: `(select (current_setting('${settingOf(id)}')::int[])[${ROUND}] - 1)`,
  }
}

/** A source, and the table where what its writers change is noted. */
export interface NotedSource {
  readonly pending: PendingTable
  /** The columns that are read; `expression` is how a virtual generated column is computed. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly expression: string | null }[]
  /** The tables that it consists of, itself first. */
  readonly members: readonly Member[]
}

export interface FunctionParts {
  readonly definition: Definition
  readonly plan: StoredPlan
  readonly statements: ImmediateStatements
  /** In the plan's order. */
  readonly sources: readonly NotedSource[]
  readonly smallDeltaRows: number
}

export function createFunctions(parts: FunctionParts): readonly Fragment[] {
  const { definition, plan } = parts
  const names = functionNames(definition, plan.sources.length)
  const create = (name: Fragment, args: string, returns: string, body: string, more: readonly Fragment[] = []) => [
    sql`create or replace function ${name}(${raw(args)}) returns ${raw(returns)}
      language plpgsql security definer set search_path = pg_catalog, pg_temp${join(more, '')}
      as ${literal(body)}`,
    sql`revoke all on function ${name}(${raw(args)}) from public`,
  ]
  return [
    ...create(names.enter, '', 'trigger', enterBody(parts)),
    ...create(names.apply, 'refill boolean, rows_noted int, sources int', 'void', applyBody(parts), [
      sql` set jit = off`,
    ]),
    ...parts.sources.flatMap((source, i) =>
      create(names.note[i] ?? raw(''), '', 'trigger', noteBody(parts, source, i, names.apply)),
    ),
  ]
}

/** A marked stream table is left alone by its writers, until it has been filled again. */
function mark(id: number, reason: string): string {
  return `update freshet.stream_table_state s set reinitialize = '${reason}', version = freshet.next_version(s.version)
        where s.stream_table_id = ${id} and s.reinitialize is null`
}

function enterBody({ definition, statements }: FunctionParts): string {
  const { id } = definition
  const name = literal(`${definition.schema}.${definition.table}`).text
  const older = `raise exception using errcode = 'serialization_failure',
          message = format('could not serialize access: the immediate stream table %s has changed since this transaction''s snapshot', ${name}),
          hint = 'Try the transaction again, or run it at READ COMMITTED, where writers wait for each other.'`
  const turn = `update freshet.stream_table_state s set turn = pg_current_xact_id(), refreshed_at = clock_timestamp()
          where s.stream_table_id = ${id} and s.turn is distinct from pg_current_xact_id();`
  const look = `perform from freshet.stream_table_state s where s.stream_table_id = ${id} for share;`
  return `
#variable_conflict use_column
<<freshet>>
declare
  counted int[] := ${countOf(id)};
  fixed boolean;
  known record;
begin
  if freshet.counted[${OPEN}] = 0 then
    freshet.fixed := current_setting('transaction_isolation') not in ('read committed', 'read uncommitted');
    if freshet.fixed then
      begin
        ${statements.turns ? turn : look}
      exception when serialization_failure then
        ${older};
      end;
    ${statements.turns ? `else\n      ${turn}` : ''}
    end if;
    select s.status = 'active' and s.reinitialize is null as live,
      case when s.status = 'active' and s.reinitialize is null then
        freshet.query_changed(${id})
      end as changed,
      exists (select from freshet.setting where name = 'force_full_refresh' and value = 'true') as forced
    into freshet.known
    from freshet.stream_table_state s where s.stream_table_id = ${id};
    if not found and freshet.fixed then
      ${older};
    end if;
    freshet.counted := array[0, freshet.counted[${ROUND}], ${DELTA}, 0, 0];
    if freshet.known.live is not true then
      freshet.counted[${COURSE}] := ${NOTHING};
    elsif freshet.known.changed then
      ${mark(id, 'SOURCE_CHANGED')};
      raise warning using message = format('the immediate stream table %s is no longer kept: a table that it reads has changed', ${name}),
        hint = format('freshet refresh %s', ${name});
      freshet.counted[${COURSE}] := ${NOTHING};
    elsif freshet.known.forced then
      freshet.counted[${COURSE}] := ${REFILL};
    end if;
  end if;
  freshet.counted[${OPEN}] := freshet.counted[${OPEN}] + 1;
  perform set_config('${settingOf(id)}', freshet.counted::text, true);
  return null;
end freshet`
}

function noteBody({ definition }: FunctionParts, source: NotedSource, position: number, apply: Fragment): string {
  const { id } = definition
  const table = identifier(source.pending.schema, source.pending.table).text
  const columns = source.columns.map(({ name }) => identifier(name).text)
  // A transition table does not hold what is computed when it is read.
  const values = source.columns.map(({ name, expression }) => {
    const column = identifier(name).text
    return expression === null ? column : `(${expression}) as ${column}`
  })
  const list = (values: readonly string[]) => values.map((value) => `, ${value}`).join('')
  const side = (weight: string, from: string) => `
    insert into ${table} (__round, __w${list(columns)})
      select freshet.counted[${ROUND}], ${weight}${list(values)} from ${from};`
  const read = (row: string) => columns.map((column) => `${row}.${column}`)
  const numbered = (from: string) => `(select row_number() over () as __i${list(values)} from ${from})`
  // Old and new rows are paired by their order, only to leave out what did not change; any other pairing cancels out too.
  const update = `
    insert into ${table} (__round, __w${list(columns)})
      select freshet.counted[${ROUND}], side.*
      from ${numbered('__old')} o full join ${numbered('__new')} n on o.__i = n.__i
      cross join lateral (
        select -1${list(read('o'))} where o.__i is not null
        union all
        select 1${list(read('n'))} where n.__i is not null
      ) side
      where o.__i is null or n.__i is null
        or record_image_ne(row(${read('o').join(', ')}), row(${read('n').join(', ')}));`
  return `
#variable_conflict use_column
<<freshet>>
declare
  counted int[] := ${countOf(id)};
  noted int := 0;
  refill boolean;
begin
  if freshet.counted[${OPEN}] < 1 then
    ${mark(id, 'CAPTURE_BROKEN')};
    return null;
  end if;
  if tg_op = 'TRUNCATE' then
    if freshet.counted[${COURSE}] = ${DELTA} then
      freshet.counted[${COURSE}] := ${REFILL};
    end if;
    freshet.noted := 1;
  elsif freshet.counted[${COURSE}] = ${NOTHING} then
    null;
  elsif tg_op = 'INSERT' then${side('1', '__new')}
    get diagnostics noted = row_count;
  elsif tg_op = 'DELETE' then${side('-1', '__old')}
    get diagnostics noted = row_count;
  else${columns.length === 0 ? ' null;' : `${update}\n    get diagnostics noted = row_count;`}
  end if;
  freshet.counted[${OPEN}] := freshet.counted[${OPEN}] - 1;
  if freshet.noted > 0 then
    freshet.counted[${SOURCES}] := freshet.counted[${SOURCES}] | ${bitOf(position)};
  end if;
  freshet.counted[${ROWS}] := least(freshet.counted[${ROWS}]::bigint + freshet.noted, 2147483647);
  if freshet.counted[${OPEN}] > 0 or freshet.counted[${COURSE}] = ${NOTHING} or freshet.counted[${ROWS}] = 0 then
    perform set_config('${settingOf(id)}', freshet.counted::text, true);
    return null;
  end if;
  freshet.refill := freshet.counted[${COURSE}] = ${REFILL};
  -- The next round begins before this one is applied: triggers on the stream table may write to its sources.
  perform set_config('${settingOf(id)}', array[0, freshet.counted[${ROUND}] + 1, ${DELTA}, 0, 0]::text, true);
  perform ${apply.text}(freshet.refill, freshet.counted[${ROWS}], freshet.counted[${SOURCES}]);
  return null;
end freshet`
}

function applyBody({ definition, plan, statements, smallDeltaRows }: FunctionParts): string {
  const { id } = definition
  const own = ownNotes(id)
  const planned = (text: string) => `execute ${literal(text).text};`
  const prepared = ({ plain, emitting }: ImmediateStatement) => `if freshet.emits then
      ${emitting}
      into freshet.done;
    else
      ${plain}
      into freshet.done;
    end if;`
  const ofOne = statements.ofOne
    .slice(0, LAST_BIT)
    .map((statement, i) => `elsif sources = ${bitOf(i)} then\n    ${prepared(statement)}`)
  const refill = plan.tables.map(
    ({ replace: { once } }) =>
      `${once.emitting === null ? planned(once.quiet) : `if freshet.emits then ${planned(once.emitting)} else ${planned(once.quiet)} end if;`}`,
  )
  const drop = statements.notes.map(
    ({ schema, table }) =>
      `delete from ${identifier(schema, table).text} where __x = ${own.transaction} and __round = ${own.round};`,
  )
  const settings = Object.entries(definition.settings)
  const texts = (values: readonly string[]) => values.map((value) => literal(value).text).join(', ')
  const names = texts(settings.map(([name]) => name))
  const wanted = texts(settings.map(([, value]) => value))
  const found = settings.map(([name]) => `current_setting(${literal(name).text})`).join(', ')
  // A writer that takes no turn waits here for whoever changes how the table is kept, and only then looks how it is.
  const wait = statements.turns
    ? ''
    : `lock table ${identifier(definition.schema, definition.table).text} in row exclusive mode;`
  return `
#variable_conflict use_column
<<freshet>>
declare
  emits boolean;
  done boolean;
  applying text := current_setting('freshet.apply', true);
  -- What the query means depends on these. They are nearly always so already, and setting them is dear.
  names constant text[] := array[${names}]::text[];
  wanted constant text[] := array[${wanted}]::text[];
  found constant text[] := array[${found}]::text[];
  memory text := current_setting('work_mem');
begin
  ${wait}
  select t.emits_changes into freshet.emits from freshet.stream_table t where t.stream_table_id = ${id};
  perform set_config('freshet.apply', 'on', true);
  if freshet.found <> freshet.wanted then
    perform set_config(s.name, s.value, true) from unnest(freshet.names, freshet.wanted) s (name, value);
  end if;
  if refill then
    ${drop.join('\n    ')}
    ${refill.join('\n    ')}
  elsif rows_noted > ${smallDeltaRows} then
    perform set_config('work_mem', greatest(pg_size_bytes(freshet.memory), 67108864) / 1024 || 'kB', true);
    if freshet.emits then ${planned(statements.large.emitting)} else ${planned(statements.large.plain)} end if;
    perform set_config('work_mem', freshet.memory, true);
  ${ofOne.join('\n  ')}
  else
    ${prepared(statements.small)}
  end if;
  if freshet.found <> freshet.wanted then
    perform set_config(s.name, s.value, true) from unnest(freshet.names, freshet.found) s (name, value);
  end if;
  -- The transaction goes on: its own writes to the stream table are refused as before.
  perform set_config('freshet.apply', coalesce(freshet.applying, ''), true);
end freshet`
}
