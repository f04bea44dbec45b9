import { readFile } from 'node:fs/promises'
import { connect, type Freshet } from '@freshet/client'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'

/**
 * A database that the first schema filled, under the program of today: its stream tables are what they were, follow their
 * sources by deltas, and leave nothing behind.
 */
const STREAMS: Readonly<Record<string, string>> = {
  sums: 'select kind, sum(n) as s, count(*) as c, max(price) as m from items group by kind',
  named: 'select i.id, k.name from items i join kinds k on k.kind = i.kind',
  bag: 'select note from "Ünï; ""x"""" --"',
  above: 'select max(s) as m from sums',
  notes: 'select distinct note from items',
  of_parts: 'select n % 5 as r, count(*) as c from parts group by 1',
  whole: 'select kind from kinds',
}

const SOME = `insert into items values (300, 'k1', 7, 5, 'z'); update items set n = n + 1 where id > 40; delete from items where id = 9;
  insert into parts values (77, 7), (177, 8); delete from parts where id = 14; update kinds set name = 'newer' where kind = 'k1';
  insert into "Ünï; ""x"""" --" values (300, 'n2')`

async function load(own: TestDatabase): Promise<void> {
  const client = await own.client()
  await client.query(await readFile(new URL('../fixtures/schema-version-1.sql', import.meta.url), 'utf8'))
}

/**
 * As if the server had always been this one. Transactions are numbered as they were, but for what was before this server's
 * first: so all of them have ended here.
 */
const STAYED = `
  do $$
  declare
    buffer regclass;
  begin
    for buffer in
      select oid from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind = 'r'
    loop
      execute format('update %s set __x = (__x::text::bigint - 700)::text::xid8', buffer);
    end loop;
  end $$;
  update freshet.stream_table_state set frontier = (
    select jsonb_object_agg(name, jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', (
      select string_agg(case when part = '' then '' else (part::bigint - 700)::text end, ':' order by nr)
      from string_to_table(position -> '0' ->> 'snapshot', ':') with ordinality as t (part, nr)))))
    from jsonb_each(frontier) as f (name, position));
  update freshet.stream_table set relation = to_regclass(format('%I.%I', schema_name, table_name));
  update freshet.source set relation = to_regclass(format('%I.%I', schema_name, table_name));
  update freshet.source set members = array(select relid from pg_partition_tree(relation)) where kind = 'partitioned';
  update freshet.source set members = array[relation] where kind <> 'partitioned';
  update freshet.installation set system_identifier = 'system:' || (select system_identifier from pg_control_system())`

async function expectAll(own: TestDatabase, freshet: Freshet, action: RegExp): Promise<void> {
  for (const [name, query] of Object.entries(STREAMS)) {
    const outcome = await freshet.refresh(name)
    expect({ name, ...outcome }).toMatchObject({ name, action: expect.stringMatching(action) as string })
    await assertEqualToQuery(own.database, name, query)
    expect(await freshet.verify(name)).toMatchObject({ equal: true })
  }
}

describe('the first schema, as it is found', () => {
  test.each([
    ['in the server where it was, with changes that wait', STAYED, /none|differential|full/],
    ['in another one', 'select', /full/],
  ])('%s', async (_, found, first) => {
    await using own = await createTestDatabase({ migrated: false })
    await load(own)
    const client = await own.client()
    await client.query(found)
    const freshet = await connect(own.url)
    own.defer(() => freshet.close())
    await expect(freshet.list()).rejects.toMatchObject({ code: 'SCHEMA_OUTDATED' })

    const { applied } = await freshet.init()
    expect(applied[0]).toBe('000002')
    await freshet.resume('whole')
    await expectAll(own, freshet, first)
    await client.query(SOME)
    await expectAll(own, freshet, /none|differential|full/)
    await client.query(SOME.replaceAll('300', '301').replaceAll('77', '78'))
    for (const name of ['sums', 'named', 'bag', 'above', 'notes', 'of_parts'])
      expect({ name, ...(await freshet.refresh(name)) }).toMatchObject({ name, action: 'differential' })
    await expectAll(own, freshet, /none|full/)
    const findings = (await freshet.doctor()).filter(({ level }) => level !== 'ok')
    expect(findings.map(({ subject, message }) => [subject, message])).toEqual([
      ['public.whole', 'refreshed in full: REQUESTED, The mode is full.'],
    ])

    for (const name of Object.keys(STREAMS).filter((each) => each !== 'sums')) await freshet.drop(name)
    await freshet.drop('sums')
    const left = await client.query(
      `select oid::regclass::text from pg_class where relnamespace = 'freshet_changes'::regnamespace
      union all select oid::regprocedure::text from pg_proc where pronamespace = 'freshet_changes'::regnamespace
      union all select tgname from pg_trigger where tgname ~ '^freshet_'`,
    )
    expect(left.rows).toEqual([])
  })
})
