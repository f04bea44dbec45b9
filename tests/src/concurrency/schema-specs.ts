import type { Spec } from './explore.ts'
import type { Session } from './interleave.ts'
import type { World } from './world.ts'
import { writer } from './writers.ts'

/** Users who change the sources while others write, refresh, verify and clean up. */
const STREAMS = {
  total: { query: 'select sum(balance::numeric) as total, count(*) as accounts from account' },
  by_owner: {
    query: `select o.name, a.tag, sum(a.balance::numeric) as balance, count(*) as accounts
      from account as a join owner as o on o.id = a.owner group by o.name, a.tag`,
  },
  moved: {
    query: `select a.owner, sum(l.amount::numeric) as moved, count(*) as moves
      from ledger as l join account as a on a.id = l.account group by a.owner`,
  },
}

const BY_NUMBER = 'select owner, sum(balance::numeric) as balance from account group by owner'

const SUMS = 'select (select total from total) as total, (select sum(balance) from by_owner) as by_owner'

/** What a user does in one transaction. Writers fail by it only as they would without Freshet. */
const CHANGES: Readonly<Record<string, { readonly steps: readonly string[]; readonly writers?: readonly string[] }>> = {
  'a column is added': { steps: ['alter table account add column added int default 3'] },
  'a column is added, and the table written anew': {
    steps: ['alter table account add column added float8 default random()'],
  },
  'a column is renamed': { steps: ['alter table account rename column tag to label'] },
  'a column that is not read is dropped': { steps: ['alter table account drop column note'], writers: ['42703'] },
  'a column is given another type': { steps: ['alter table account alter column balance type bigint'] },
  'a table is truncated and filled again': {
    steps: ['truncate ledger', 'insert into ledger select i, 1 from generate_series(1, 4) as i'],
  },
  'a table is written anew by VACUUM FULL’s kin': { steps: ['cluster account using account_pkey'] },
  'a table is renamed': { steps: ['alter table owner rename to holder'], writers: ['42P01'] },
}

const ddl = (world: World, steps: readonly string[], expected: readonly string[] = []): Session => ({
  name: 'ddl',
  expected,
  steps: ['begin', ...steps, 'commit'].map((text) => world.sql('ddl', text)),
})

export const SCHEMA_SPECS: readonly Spec[] = [
  ...Object.entries(CHANGES).map(([name, { steps, writers = [] }]): Spec => ({
    name,
    anew: true,
    wal: true,
    streams: STREAMS,
    sessions: (world, kind) => [
      writer(world, 'writer', kind, { from: 1, to: 2, expected: ['40P01', '40001', ...writers] }),
      ddl(world, steps, ['40P01']),
      {
        name: 'refresher',
        expected: [],
        steps: [
          world.refresh('refresher', 'by_owner'),
          world.refresh('refresher', 'moved', { full: true }),
          world.verify('refresher', 'total'),
        ],
      },
      { name: 'reader', expected: [], steps: [world.audit('reader', SUMS)] },
    ],
  })),
  {
    name: 'both sides of a join are altered in one transaction, in the other order too: nobody’s statement is a victim',
    anew: true,
    streams: STREAMS,
    sessions: (world, kind) => [
      ddl(
        world,
        kind.ending === 'commit'
          ? ['alter table account add column added int', 'alter table owner add column added int']
          : ['alter table owner add column added float8 default random()', 'alter table account add column added int'],
      ),
      {
        name: 'refresher',
        expected: [],
        steps: [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'by_owner', { full: true })],
      },
      { name: 'auditor', expected: [], steps: [world.verify('auditor', 'by_owner'), world.trim('auditor')] },
    ],
  },
  {
    name: 'a query is altered while a column of the old one is renamed',
    anew: true,
    wal: true,
    streams: STREAMS,
    sessions: (world) => [
      ddl(world, ['alter table account rename column tag to label']),
      {
        name: 'changer',
        expected: [],
        steps: [
          world.call('changer', 'alter by_owner', (freshet) => freshet.alter('by_owner', { query: BY_NUMBER })),
          world.refresh('changer', 'by_owner'),
        ],
      },
      {
        name: 'refresher',
        expected: [],
        steps: [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'by_owner')],
      },
      { name: 'auditor', expected: [], steps: [world.verify('auditor', 'by_owner')] },
    ],
  },
  {
    name: 'two alter the same table, two adapt it to its sources',
    anew: true,
    streams: STREAMS,
    sessions: (world) => [
      ddl(world, ['alter table account rename column tag to label', `insert into ledger values (3, 4)`]),
      ...['changer', 'other'].map((name, i) => ({
        name,
        expected: [],
        steps: [
          world.call(name, 'alter by_owner', (freshet) =>
            freshet.alter('by_owner', { query: i === 0 ? BY_NUMBER : `${BY_NUMBER} having count(*) > 0` }),
          ),
          world.refresh(name, 'moved'),
        ],
      })),
      { name: 'refresher', expected: [], steps: [world.refresh('refresher', 'by_owner')] },
      { name: 'second', expected: [], steps: [world.refresh('second', 'by_owner')] },
    ],
  },
]
