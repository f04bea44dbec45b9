import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { isFreshetError, raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { expect } from 'vitest'
import { RELATIONS, STREAMS, type Case } from './schema-changes.ts'
import { startWriting } from './writing.ts'

/**
 * L6, L7: whatever is done to the shape of what a stream table reads, while others write and it is refreshed: no
 * writer's statement fails because of Freshet, and the stream table adapts, is rebuilt, or says why not and what to do.
 * Never does it hold an answer that looks right. Afterwards nothing is left behind.
 *
 * Each change meets every kind of stream table at once: a filter, a join aggregate, one over another, immediate ones,
 * and those that read a view, call a function or read a partitioned table.
 */
export async function expectFollowed(change: Case, cdc: 'trigger' | 'wal'): Promise<void> {
  await using own = await createTestDatabase()
  await run(own, RELATIONS)
  const freshet = await connect(own.url)
  own.defer(async () => {
    for (let [left] = await freshet.list(); left !== undefined; [left] = await freshet.list())
      await freshet.drop(left.name, { cascade: true })
    await freshet.close()
  })
  if (cdc === 'wal') freshet.startStream()
  for (const [name, { query, mode }] of Object.entries(STREAMS))
    await freshet.create({ name, query, mode: mode ?? 'differential', cdc })
  const captured = await capturesOf(own)
  expect(new Set(captured.values())).toEqual(new Set([cdc]))
  const relations = await relationsOf(own)

  const writing = await startWriting(own, change)
  await writing.some('before')
  for (const name of Object.keys(STREAMS)) await freshet.refresh(name)
  const refreshing = refreshInBackground(freshet)
  await run(own, change.ddl)
  for (const [name, { query, mode }] of Object.entries(change.creates ?? {}))
    await freshet.create({ name, query, mode: mode ?? 'differential', schedule: 'manual' })
  writing.changed()
  await writing.some('after')
  await refreshing.stop()
  // what came last is not followed by anything that could make up for it
  await writing.stop()
  expect(writing.failures.slice(0, 2)).toEqual([])

  await expectAnswers(own, freshet, change)
  const kept = await relationsOf(own)
  for (const [name, relation] of Object.entries(relations))
    if (change.rebuilds?.includes(name) !== true) expect({ name, relation: kept[name] }).toEqual({ name, relation })

  if (change.mend !== undefined) {
    await run(own, change.mend)
    for (const name of Object.keys(change.refuses ?? {})) await freshet.resume(name)
    await expectAnswers(own, freshet, { ...change, refuses: {}, write: undefined })
  }
  expect([...(await capturesOf(own)).values()].toSorted()).toEqual([...captured.values()].toSorted())
  const names = Object.keys({ ...STREAMS, ...change.creates }).reverse()
  for (const name of names) await freshet.drop(change.renamed?.[name] ?? name)
  expect(await leftovers(own)).toEqual([])
}

let nextId = 100_000

/** By hand, by the process that remembers how everything was; then differentially. */
async function expectAnswers(own: TestDatabase, freshet: Freshet, change: Case): Promise<void> {
  for (const [stream, { query }] of Object.entries({ ...STREAMS, ...change.creates })) {
    const name = change.renamed?.[stream] ?? stream
    const refused = change.refuses?.[stream]
    if (refused !== undefined) {
      const before = await own.database.query(raw(`select * from ${name} as t order by t::text`))
      const error = await freshet.refresh(stream).then(
        (outcome) => expect.unreachable(`${stream} was refreshed: ${JSON.stringify(outcome)}`),
        (caught: unknown) => caught,
      )
      expect({ stream, error }).toMatchObject({
        stream,
        error: { ...refused, hint: expect.stringMatching(/./) as string },
      })
      expect(await own.database.query(raw(`select * from ${name} as t order by t::text`))).toEqual(before)
      continue
    }
    await freshet.refresh(name)
    await expectEqual(own, name, change.now?.(query) ?? query)
    expect(await freshet.verify(name)).toMatchObject({ equal: true })
  }
  if (change.write === null) return
  const id = nextId++
  await run(own, change.write?.(id) ?? `insert into sales (id, region, amount, cost) values (${id}, 1, 77, 7)`)
  for (const [stream, { query, mode }] of Object.entries({ ...STREAMS, ...change.creates })) {
    if (change.refuses?.[stream] !== undefined) continue
    const name = change.renamed?.[stream] ?? stream
    const { action } = await freshet.refresh(name)
    expect({ name, action }).toEqual({
      name,
      action: expect.stringMatching(mode === 'immediate' ? 'none' : /none|differential/) as string,
    })
    await expectEqual(own, name, change.now?.(query) ?? query)
  }
}

/** Column by column: their names are the stream table's, whatever the query reads is called now. */
async function expectEqual(own: TestDatabase, name: string, query: string): Promise<void> {
  const columns = await own.database.query<{ name: string }>(
    raw(`select quote_ident(attname) as name from pg_attribute
      where attrelid = '${name}'::regclass and attnum > 0 and not attisdropped and attname !~ '^__' order by attnum`),
  )
  const names = columns.map((column) => column.name).join(', ')
  await assertEqualToQuery(own.database, name, `select * from (${query}) as answer (${names})`)
}

const run = async (own: TestDatabase, script: string) => void (await own.database.query(raw(script)))

/** How each source is captured, by the name under which the catalog knows it: that of today. */
async function capturesOf(own: TestDatabase): Promise<ReadonlyMap<string, string>> {
  const rows = await own.database.query<{ table: string; capture: string; actual: string }>(
    raw(`select s.table_name as table, s.capture, c.relname as actual
      from freshet.source s join pg_class c on c.oid = s.relation where s.capture <> 'refresh'`),
  )
  for (const { table, actual } of rows) expect(table).toBe(actual)
  return new Map(rows.map(({ table, capture }) => [table, capture]))
}

async function relationsOf(own: TestDatabase): Promise<Readonly<Record<string, number>>> {
  const rows = await own.database.query<{ name: string; relation: number }>(
    raw(`select query, stream_table_id, relation::int8::float8 as relation,
      (array[${Object.keys(STREAMS)
        .map((name) => `'${name}'`)
        .join(', ')}])[stream_table_id] as name from freshet.stream_table`),
  )
  return Object.fromEntries(rows.map(({ name, relation }) => [name, relation]))
}

/** Refreshes may meet the change half-way, and say so; what they must not do is leave something wrong. */
function refreshInBackground(freshet: Freshet): { stop(): Promise<void> } {
  const state = { stopped: false }
  const loop = (async () => {
    while (!state.stopped) {
      for (const name of Object.keys(STREAMS)) {
        try {
          await freshet.refresh(name)
        } catch (error) {
          if (!isFreshetError(error)) throw error
          expect({ name, code: error.code }).toEqual({
            name,
            code: expect.stringMatching(
              /^(SOURCE_CHANGED|SOURCE_DROPPED|NOT_CAPTURABLE|LOCK_TIMEOUT|TRANSACTION_CONFLICT|UNKNOWN_STREAM_TABLE)$/,
            ) as string,
          })
        }
      }
      await sleep(5)
    }
  })()
  const ended = Promise.allSettled([loop])
  return {
    async stop() {
      state.stopped = true
      const [outcome] = await ended
      if (outcome.status === 'rejected')
        throw new Error('a refresh failed beside the change', { cause: outcome.reason })
    },
  }
}

async function leftovers(own: TestDatabase): Promise<readonly string[]> {
  const rows = await own.database.query<{ what: string }>(
    raw(`
    select 'trigger ' || tgname || ' on ' || tgrelid::regclass as what from pg_trigger where tgname ~ '^freshet_'
    union all select 'relation ' || oid::regclass from pg_class where relnamespace = 'freshet_changes'::regnamespace
    union all select 'function ' || oid::regprocedure from pg_proc where pronamespace = 'freshet_changes'::regnamespace
    union all select 'slot ' || slot_name from pg_replication_slots where database = current_database()
    union all select 'publication ' || pubname from pg_publication
    union all select 'replica identity of ' || oid::regclass from pg_class where relreplident = 'f' and relkind in ('r', 'p')
    union all select 'source ' || table_name from freshet.source
    union all select 'stream table ' || table_name from freshet.stream_table`),
  )
  return rows.map(({ what }) => what)
}
