import type { CreateSpec, Freshet } from '@freshet/client'
import { type ErrorCode, identifier, raw, sql, trimBuffer } from '@freshet/core'

/**
 * What Freshet does in more than one statement, each as something that can be begun, broken off, and begun again. They
 * are run by the suite, and by a process of its own that is killed.
 */
export interface Operation {
  readonly name: string
  /** From the world as it is between operations to where this one begins. */
  readonly prepare?: (freshet: Freshet) => Promise<unknown>
  readonly run: (freshet: Freshet) => Promise<unknown>
  /** What a repetition may answer when the first attempt was carried out. */
  readonly done?: ErrorCode
  /** What the doctor says where it begins, or after it, though all is as somebody wanted it. */
  readonly told?: string
  /** Each source is switched for good, whatever becomes of the stream table that it was switched for. */
  readonly bySource?: boolean
  /** From its end to the world as it is between operations. */
  readonly undo?: (freshet: Freshet) => Promise<unknown>
}

const SUBJECT = {
  name: 'subject',
  schedule: 'manual',
  query: `
    select o.name, count(*) as n, sum(l.amount) as moved, max(l.amount) as most
    from ledger l join account a on a.id = l.account join owner o on o.id = a.owner group by o.name`,
} satisfies CreateSpec

const OTHER_QUERY =
  'select b.city, sum(l.amount) as moved from branch b join ledger l on l.account % 4 = b.id group by b.city'

const PAUSED = 'its capture is paused; what reads it does not follow'

const create =
  (parts: Partial<CreateSpec> = {}) =>
  (freshet: Freshet) =>
    freshet.create({ ...SUBJECT, mode: 'differential', ...parts })
const drop = (freshet: Freshet) => freshet.drop('subject')

async function switchTo(freshet: Freshet, cdc: 'trigger' | 'wal'): Promise<void> {
  await freshet.create({ ...SUBJECT, name: 'switching', mode: 'differential', cdc })
}

export const OPERATIONS: readonly Operation[] = [
  { name: 'create', run: create(), done: 'DUPLICATE_NAME', undo: drop },
  { name: 'create immediate', run: create({ mode: 'immediate' }), done: 'DUPLICATE_NAME', undo: drop },
  {
    name: 'create on a stream table',
    run: create({ query: 'select balance, count(*) as n from by_owner group by balance' }),
    done: 'DUPLICATE_NAME',
    undo: drop,
  },
  { name: 'drop', prepare: create(), run: drop, done: 'UNKNOWN_STREAM_TABLE' },
  { name: 'refresh', prepare: create(), run: (freshet) => freshet.refresh('subject'), undo: drop },
  {
    name: 'refresh in full',
    prepare: create(),
    run: (freshet) => freshet.refresh('subject', { full: true }),
    undo: drop,
  },
  { name: 'refresh a chain', run: (freshet) => freshet.refreshAll() },
  {
    name: 'refresh a group',
    prepare: create({ query: 'select balance, count(*) as n from by_owner group by balance' }),
    run: async (freshet) => {
      const [first = -1, ...along] = await freshet.database
        .query<{ id: number }>(sql`select stream_table_id as id from freshet.stream_table order by stream_table_id`)
        .then((rows) => rows.map(({ id }) => id))
      // once each alone: then it is known how quick they are
      for (const id of [first, ...along]) await freshet.refresher.refresh(id)
      await freshet.refresher.refresh(first, { along })
    },
    undo: drop,
  },
  {
    name: 'refresh a unit',
    prepare: create({
      atomic: 'diamond',
      query: 'select b.name, b.balance, t.total from by_owner b cross join total t',
    }),
    run: (freshet) => freshet.refresh('subject'),
    undo: drop,
  },
  { name: 'trim', run: trim },
  {
    name: 'mend a capture and reinitialise',
    prepare: async (freshet) => {
      await create()(freshet)
      await freshet.database.query(dropTriggers('ledger', 1))
    },
    run: (freshet) => freshet.refresh('subject'),
    undo: drop,
  },
  {
    name: 'alter --query',
    prepare: create(),
    run: (freshet) => freshet.alter('subject', { query: OTHER_QUERY }),
    undo: drop,
  },
  {
    name: 'alter to immediate',
    prepare: create(),
    run: (freshet) => freshet.alter('subject', { mode: 'immediate' }),
    undo: drop,
  },
  {
    name: 'alter from immediate',
    prepare: create({ mode: 'immediate' }),
    run: (freshet) => freshet.alter('subject', { mode: 'differential' }),
    undo: drop,
  },
  {
    name: 'alter --query of an immediate one',
    prepare: create({ mode: 'immediate' }),
    run: (freshet) => freshet.alter('subject', { query: OTHER_QUERY }),
    undo: drop,
  },
  {
    name: 'rename',
    prepare: create(),
    run: (freshet) => freshet.alter('subject', { rename: 'renamed' }),
    done: 'UNKNOWN_STREAM_TABLE',
    undo: (freshet) => freshet.drop('renamed'),
  },
  {
    name: 'repair',
    prepare: async (freshet) => {
      await create()(freshet)
      await freshet.database.query(dropTriggers('ledger', 2))
      await freshet.database.query(raw('drop trigger freshet_guard on subject'))
      await freshet.database.query(
        raw(
          `delete from freshet.stream_table_state where stream_table_id = (select stream_table_id from freshet.stream_table where table_name = 'subject')`,
        ),
      )
    },
    run: (freshet) => freshet.repair(),
    undo: drop,
  },
  {
    name: 'pause a source',
    told: PAUSED,
    prepare: create(),
    run: (freshet) => freshet.pauseCapture({ kind: 'source', name: 'ledger' }),
    undo: async (freshet) => {
      await freshet.resumeCapture({ kind: 'source', name: 'ledger' })
      await drop(freshet)
    },
  },
  {
    name: 'resume a source',
    told: PAUSED,
    prepare: async (freshet) => {
      await create()(freshet)
      await freshet.pauseCapture({ kind: 'source', name: 'ledger' })
    },
    run: (freshet) => freshet.resumeCapture({ kind: 'source', name: 'ledger' }),
    undo: drop,
  },
  {
    name: 'create with capture by WAL',
    bySource: true,
    run: create({ cdc: 'wal' }),
    done: 'DUPLICATE_NAME',
    undo: toTriggers,
  },
  {
    name: 'from triggers to WAL',
    bySource: true,
    prepare: create(),
    run: (freshet) => switchTo(freshet, 'wal'),
    done: 'DUPLICATE_NAME',
    undo: toTriggers,
  },
  {
    name: 'from WAL to triggers',
    bySource: true,
    prepare: create({ cdc: 'wal' }),
    run: (freshet) => switchTo(freshet, 'trigger'),
    done: 'DUPLICATE_NAME',
    undo: toTriggers,
  },
  {
    name: 'refresh by WAL',
    prepare: create({ cdc: 'wal' }),
    run: (freshet) => freshet.refresh('subject'),
    undo: toTriggers,
  },
  {
    name: 'drop with capture by WAL',
    prepare: create({ cdc: 'wal' }),
    run: drop,
    done: 'UNKNOWN_STREAM_TABLE',
    undo: toTriggers,
  },
]

/** Whatever was switched for the subject belongs to triggers again. */
async function toTriggers(freshet: Freshet): Promise<void> {
  await freshet.create({ ...SUBJECT, name: 'back', mode: 'differential', cdc: 'trigger' })
  for (const { name } of await freshet.list())
    if (['subject', 'switching', 'back'].includes(name.replace('public.', ''))) await freshet.drop(name)
}

async function trim({ database, capture }: Freshet): Promise<void> {
  const sources = await database.query<{ name: string }>(
    raw('select stable_name as name from freshet.source order by 1'),
  )
  for (const { name } of sources) while ((await trimBuffer(database, capture, name, 50)) > 0);
}

/** So many of the capture's triggers on a table. */
function dropTriggers(table: string, count: number) {
  return sql`
    do ${raw(`$$ declare one name; begin
      for one in select tgname from pg_trigger where tgrelid = '${identifier(table).text}'::regclass and tgname like 'freshet%' order by 1 limit ${count} loop
        execute format('drop trigger %I on ${identifier(table).text}', one);
      end loop;
    end $$`)}`
}
