import type { Session } from './interleave.ts'
import type { Spec } from './explore.ts'
import type { Stream, World } from './world.ts'
import { writer } from './writers.ts'

const TOTAL: Stream = { query: 'select sum(balance) as total, count(*) as accounts from account' }
const BY_OWNER: Stream = {
  query: `select o.name, sum(a.balance) as balance, max(a.balance) as most, count(*) as accounts
    from account as a join owner as o on o.id = a.owner group by o.name`,
}
const MOVED: Stream = {
  query: `select a.owner, sum(l.amount) as moved, count(*) as moves
    from ledger as l join account as a on a.id = l.account group by a.owner`,
}
const AMOUNTS: Stream = { query: 'select distinct amount from ledger' }

const SUMS = 'select (select total from total) as total, (select sum(balance) from by_owner) as by_owner'

/** A session of Freshet. It may lose to another one, and then says so; it may not lose anything else. */
const session = (name: string, steps: Session['steps'], expected: readonly string[] = []): Session => ({
  name,
  steps,
  expected,
})

const one = { from: 1, to: 2 } as const
/** Meets the first at account 2. */
const two = { from: 2, to: 3 } as const
/** Writers who write to the same rows fail among themselves. */
const AMONG_WRITERS = ['40001', '40P01']

const reader = (world: World) => session('reader', [world.audit('reader', SUMS), world.audit('reader', SUMS)])

export const SPECS: readonly Spec[] = [
  {
    name: 'a writer, a refresher, a reader',
    wal: true,
    streams: { total: TOTAL, by_owner: BY_OWNER },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('refresher', [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'total')]),
      reader(world),
    ],
  },
  {
    name: 'two writers of the same rows, a refresher',
    streams: { total: TOTAL, by_owner: BY_OWNER, amounts: AMOUNTS },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, { ...one, expected: AMONG_WRITERS }),
      writer(world, 'other', { ...kind, ending: 'commit' }, { ...two, expected: AMONG_WRITERS }),
      session('refresher', [
        world.refresh('refresher', 'amounts'),
        world.refresh('refresher', 'by_owner'),
        world.refresh('refresher', 'total'),
      ]),
    ],
  },
  {
    name: 'two refreshers of the same tables',
    wal: true,
    streams: { total: TOTAL, moved: MOVED },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('refresher', [world.refresh('refresher', 'moved'), world.refresh('refresher', 'moved')]),
      session('second', [world.refresh('second', 'moved', { full: true }), world.refresh('second', 'moved')]),
    ],
  },
  {
    name: 'a chain of stream tables',
    wal: true,
    streams: {
      per_account: { query: 'select account, sum(amount) as moved, count(*) as moves from ledger group by account' },
      busy: { query: 'select account, moved from per_account where moves > 1' },
      per_owner: {
        query:
          'select a.owner, sum(b.moved) as moved from busy as b join account as a on a.id = b.account group by a.owner',
      },
    },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('below', [world.refresh('below', 'per_account'), world.refresh('below', 'per_account', { full: true })]),
      session('above', [world.refresh('above', 'busy'), world.refresh('above', 'per_owner')]),
    ],
  },
  {
    name: 'clean-up',
    wal: true,
    streams: { total: TOTAL, by_owner: BY_OWNER, moved: MOVED },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('refresher', [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'moved')]),
      session('trimmer', [world.trim('trimmer'), world.trim('trimmer')]),
    ],
  },
  {
    name: 'verified meanwhile',
    wal: true,
    streams: { total: TOTAL, by_owner: BY_OWNER },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('auditor', [world.verify('auditor', 'by_owner'), world.verify('auditor', 'by_owner')]),
      session('refresher', [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'by_owner')]),
    ],
  },
  {
    name: 'a stream table is created that captures more columns',
    wal: true,
    anew: true,
    streams: { total: TOTAL },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('creator', [
        world.call('creator', 'create notes', (freshet) =>
          freshet.create({
            name: 'notes',
            query: 'select note, count(*) as accounts, sum(balance) as balance from account group by note',
            schedule: 'manual',
          }),
        ),
        world.refresh('creator', 'notes'),
      ]),
      session('refresher', [world.refresh('refresher', 'total')]),
    ],
  },
  {
    name: 'the query is altered',
    wal: true,
    anew: true,
    streams: { total: TOTAL, by_owner: BY_OWNER },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('changer', [
        world.call('changer', 'alter by_owner', (freshet) =>
          freshet.alter('by_owner', {
            query: 'select owner as name, note, sum(balance) as balance from account group by owner, note',
          }),
        ),
      ]),
      session('refresher', [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'by_owner')]),
      reader(world),
    ],
  },
  {
    name: 'a stream table is dropped',
    anew: true,
    streams: { total: TOTAL, by_owner: BY_OWNER },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('dropper', [world.call('dropper', 'drop by_owner', (freshet) => freshet.drop('by_owner'))]),
      session(
        'refresher',
        [world.refresh('refresher', 'by_owner'), world.refresh('refresher', 'total')],
        ['UNKNOWN_STREAM_TABLE'],
      ),
    ],
  },
  {
    name: 'capture is paused and resumed',
    wal: true,
    anew: true,
    streams: { total: TOTAL, by_owner: BY_OWNER },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, one),
      session('operator', [
        world.call('operator', 'pause account', (freshet) => freshet.pauseCapture({ kind: 'source', name: 'account' })),
        world.call('operator', 'resume account', (freshet) =>
          freshet.resumeCapture({ kind: 'source', name: 'account' }),
        ),
      ]),
      session('refresher', [world.refresh('refresher', 'total'), world.refresh('refresher', 'by_owner')]),
    ],
  },
  {
    name: 'immediate: two writers and a reader',
    streams: { total: { ...TOTAL, mode: 'immediate' }, by_owner: { ...BY_OWNER, mode: 'immediate' } },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, { ...one, expected: AMONG_WRITERS }),
      writer(world, 'other', { ...kind, ending: 'commit' }, { ...two, expected: AMONG_WRITERS }),
      reader(world),
      session('auditor', [world.verify('auditor', 'by_owner')]),
    ],
  },
  {
    name: 'immediate, and back',
    anew: true,
    streams: { total: TOTAL, by_owner: { ...BY_OWNER, mode: 'immediate' } },
    sessions: (world, kind) => [
      writer(world, 'writer', kind, { ...one, expected: AMONG_WRITERS }),
      session('changer', [
        world.call('changer', 'total becomes immediate', (freshet) => freshet.alter('total', { mode: 'immediate' })),
        world.call('changer', 'by_owner becomes differential', (freshet) =>
          freshet.alter('by_owner', { mode: 'differential' }),
        ),
      ]),
      session('refresher', [world.refresh('refresher', 'total'), world.refresh('refresher', 'by_owner')]),
      reader(world),
    ],
  },
]
