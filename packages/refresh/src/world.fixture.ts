import { triggerCapture } from '@freshet/cdc'
import { type Database, identifier, raw, type RefreshOptions, type RefreshOutcome } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import type { RefreshContext } from './context.ts'
import { createStreamTable } from './create.ts'
import { listDefinitions, loadDefinition, nameOf, type Definition } from './definition.ts'
import { dropStreamTable } from './drop.ts'
import { createRefresher } from './refresher.ts'

/**
 * A database with stream tables under the oracle: after every step each of them is refreshed, in the order of their
 * creation, and must equal its query. A stream table is expected to be maintained differentially, and so is each of
 * its refreshes, unless the test says otherwise: a test that silently runs on full refreshes proves nothing.
 */
export interface World {
  readonly own: TestDatabase
  readonly database: Database
  readonly context: RefreshContext
  /** Runs a script, without parameters. */
  run(script: string): Promise<void>
  rows(query: string): Promise<Record<string, unknown>[]>
  stream(name: string, query: string, options?: StreamOptions): Promise<Definition>
  refresh(stream: Definition, options?: RefreshOptions): Promise<RefreshOutcome>
  /** Runs each script; refreshes and compares every stream table after each. Returns the outcomes of the last. */
  step(...scripts: readonly string[]): Promise<Record<string, RefreshOutcome>>
  /** Drops everything that a test made, and sees that Freshet leaves nothing behind. */
  clear(): Promise<void>
}

export interface StreamOptions {
  readonly mode?: 'auto' | 'differential' | 'full'
  /** The reason code for which the query is refreshed in full. */
  readonly full?: string
  /** Also what equality does not tell apart must be the same: 1.0 is not 1.00, and −0 is not 0. */
  readonly exact?: boolean
}

export async function createWorld(): Promise<World> {
  const own = await createTestDatabase()
  const { database } = own
  const context: RefreshContext = { database, capture: triggerCapture() }
  const refresher = createRefresher(context)
  let streams: { readonly definition: Definition; readonly full: string | null; readonly exact: boolean }[] = []

  const run = async (script: string) => void (await database.query(raw(script)))
  const rows = (query: string) => database.query(raw(query))
  const check = async (definition: Definition, exact: boolean) => {
    const { query } = await loadDefinition(database, definition.id)
    await assertEqualToQuery(database, identifier(definition.schema, definition.table).text, query)
    if (exact) await assertSameText(database, definition, query)
  }
  const follow = async () => {
    const outcomes: Record<string, RefreshOutcome> = {}
    for (const { definition, full, exact } of streams) {
      const outcome = await refresher.refresh(definition.id)
      const allowed =
        outcome.action === 'none' || (full === null ? outcome.action === 'differential' : outcome.reason === full)
      if (!allowed)
        throw new Error(`${nameOf(definition)} was refreshed by ${outcome.action} (${outcome.reason ?? ''})`)
      outcomes[definition.table] = outcome
      await check(definition, exact)
    }
    return outcomes
  }

  return {
    own,
    database,
    context,
    run,
    rows,
    async stream(name, query, options = {}) {
      // AUTO is free to find a full refresh cheaper, and on a few rows it often does.
      const mode = options.mode ?? (options.full === undefined ? 'differential' : 'auto')
      const definition = await createStreamTable(context, { name, query, mode })
      const full = options.full ?? null
      const exact = options.exact === true
      streams.push({ definition, full, exact })
      const reason = definition.plan.refusal?.code ?? (definition.mode === 'full' ? 'REQUESTED' : null)
      if (reason !== full)
        throw new Error(`${name} is ${reason ?? 'differential'}: ${definition.plan.refusal?.detail ?? ''}`)
      await check(definition, exact)
      return definition
    },
    refresh: (definition, options = {}) => refresher.refresh(definition.id, options),
    async step(...scripts) {
      let outcomes: Record<string, RefreshOutcome> = {}
      for (const script of scripts) {
        await run(script)
        outcomes = await follow()
      }
      return outcomes
    },
    async clear() {
      streams = []
      for (;;) {
        const definitions = await listDefinitions(database)
        const last = definitions.find(({ id }) => id === Math.max(...definitions.map((other) => other.id)))
        if (last === undefined) break
        await dropStreamTable(context, nameOf(last), { cascade: true })
      }
      const left = await leftBehind(database)
      await run('drop schema public cascade; create schema public')
      if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
    },
  }
}

async function assertSameText(database: Database, definition: Definition, query: string): Promise<void> {
  const columns = definition.plan.tables.at(-1)?.visibleColumns ?? []
  const list = columns.map((column) => `${identifier(column).text}::text`).join(', ')
  const names = columns.map((column) => identifier(column).text).join(', ')
  const differing = await database.query<{ row: string }>(
    raw(`with held as (select ${list} from ${identifier(definition.schema, definition.table).text}), answer as (select ${list} from (\n${query}\n) q(${names}))
      select '+ ' || h::text as row from (select * from held except all select * from answer) h
      union all select '- ' || a::text from (select * from answer except all select * from held) a`),
  )
  if (differing.length > 0)
    throw new Error(
      `${definition.table} shows its rows otherwise:\n${differing.map(({ row }) => row).join('\n')}\n${query}`,
    )
}

/** What only a stream table may make: relations and functions in the schema of changes, rows of the catalog, triggers. */
export async function leftBehind(database: Database): Promise<string[]> {
  const found = await database.query<{ what: string }>(
    raw(`select 'relation ' || oid::regclass::text as what from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind in ('r', 'v')
      union all select 'function ' || oid::regprocedure::text from pg_proc where pronamespace = 'freshet_changes'::regnamespace
      union all select 'stream table ' || table_name from freshet.stream_table
      union all select 'state of ' || stream_table_id from freshet.stream_table_state
      union all select 'source ' || table_name from freshet.source
      union all select 'dependency on ' || stable_name from freshet.dependency
      union all select 'trigger ' || tgname || ' on ' || tgrelid::regclass::text from pg_trigger where tgname like '%freshet%'
      order by 1`),
  )
  return found.map(({ what }) => what)
}
