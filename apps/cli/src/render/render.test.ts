import type { Explanation } from '@freshet/client'
import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import { decisionText } from './decision.ts'
import { explanationText, statementsText } from './explanation.ts'
import { findingList } from './findings.ts'
import { sqlFormatter } from './format-sql.ts'
import { historyTable } from './history.ts'
import { renderOutcome } from './outcome.ts'
import { NOW, refreshOf, statusOf } from './status.fixture.ts'
import { statusDetails, statusList } from './status.ts'
import { fullNotice, streamTableList } from './stream-table.ts'
import { renderVerification } from './verification.ts'

const plain = picocolors.createColors(false)

describe('lists', () => {
  it('lists stream tables in columns, without trailing blanks', () => {
    const full = statusOf({
      name: 'sales."Top 10"',
      effectiveMode: 'full',
      storage: 'bag',
      status: 'suspended',
      sources: [{ name: 'public.daily', streamTable: 1, capture: null }],
    })
    expect(streamTableList([statusOf(), full], plain)).toMatchInlineSnapshot(`
      "STREAM TABLE    STATUS     MODE                 SCHEDULE  STORAGE  READS
      public.daily    active     auto → differential  live      keyed    public.orders
      sales."Top 10"  suspended  auto → full          live      bag      public.daily"
    `)
    expect(streamTableList([], plain)).toContain('freshet create')
  })

  it('says how fresh each is', () => {
    const late = statusOf({ name: 'public.late', pendingChanges: 1000, pendingIsLowerBound: true })
    const failing = statusOf({
      name: 'public.failing',
      refreshedAt: null,
      refreshes: { count: 0, p50Ms: null, p99Ms: null },
      lastError: { code: 'QUERY_FAILED', message: 'division\nby zero' },
    })
    expect(statusList([statusOf(), late, failing], NOW, plain)).toMatchInlineSnapshot(`
      "STREAM TABLE    STATUS  MODE                 FRESHNESS     PENDING   ROWS      P50    P99  LAST ERROR
      public.daily    active  auto → differential  fresh               0  1,234  0.80 ms  12 ms
      public.late     active  auto → differential  10.0 s old     1,000+  1,234  0.80 ms  12 ms
      public.failing  active  auto → differential  never filled        0  1,234        –      –  QUERY_FAILED: division by zero"
    `)
  })

  it('tells everything about one', () => {
    const entry = statusOf({
      statusReason: 'five errors',
      status: 'suspended',
      consecutiveErrors: 5,
      lastError: { code: 'QUERY_FAILED', message: 'division by zero', hint: 'mend it' },
    })
    expect(statusDetails(entry, NOW, plain)).toMatchInlineSnapshot(`
      "stream table  public.daily
      status        suspended: five errors
      mode          auto → differential
      schedule      live
      storage       keyed by day
      reads         public.orders
      refreshed     2026-02-03 04:05:00 UTC
      freshness     fresh
      pending       0 changes
      rows          about 1,234
      last hour     3 refreshes, p50 0.80 ms, p99 12 ms
      errors        5 in a row
      last error    QUERY_FAILED: division by zero
      hint          mend it

      select day, sum(total) from orders group by day"
    `)
  })

  it('lists refreshes', () => {
    const failed = refreshOf({ refreshId: '8', error: { code: 'LOCK_TIMEOUT', message: 'waited' } })
    expect(historyTable([failed, refreshOf({ action: 'full', reason: 'truncated' })], plain)).toMatchInlineSnapshot(`
      "ID  STARTED (UTC)        STREAM TABLE  ACTION        BY         CHANGES  +ROWS  −ROWS    TIME  NOTE
       8  2026-02-03 04:05:00  public.daily  differential  scheduler       20      3      2  250 ms  LOCK_TIMEOUT: waited
       7  2026-02-03 04:05:00  public.daily  full          scheduler       20      3      2  250 ms  truncated"
    `)
  })

  it('shows what AUTO chose, and against what', () => {
    const decision = {
      basis: 'history',
      changeRows: 5_000,
      sourceRows: 866_000,
      differentialMs: 480,
      fullMs: 90.4,
    } as const
    const chosen = { ...decision, action: 'full', reason: 'CHEAPER' } as const
    const tried = { ...decision, action: 'differential', reason: 'EXPLORED' } as const
    const entries = [
      refreshOf({ action: 'full', reason: 'CHEAPER', decision: chosen }),
      refreshOf({ reason: 'EXPLORED', decision: tried }),
    ]
    expect(historyTable(entries, plain)).toMatchInlineSnapshot(`
      "ID  STARTED (UTC)        STREAM TABLE  ACTION        BY         CHANGES  +ROWS  −ROWS    TIME  NOTE
       7  2026-02-03 04:05:00  public.daily  full          scheduler       20      3      2  250 ms  CHEAPER: delta ~480 ms
       7  2026-02-03 04:05:00  public.daily  differential  scheduler       20      3      2  250 ms  EXPLORED: full ~90 ms"
    `)
    expect(decisionText(chosen)).toMatchInlineSnapshot(
      `"in full: 5,000 changes to 866,000 rows; expected from its history: in full about 90 ms, by delta about 480 ms"`,
    )
    expect(decisionText(tried)).toMatchInlineSnapshot(
      `"by delta, to measure it again: 5,000 changes to 866,000 rows; expected from its history: by delta about 480 ms, in full about 90 ms"`,
    )
    expect(
      decisionText({ ...tried, reason: 'CHEAPER', basis: 'sizes', fullMs: null, differentialMs: null }),
    ).toMatchInlineSnapshot(
      `"by delta: 5,000 changes to 866,000 rows; expected from sizes alone: by delta unknown, in full unknown"`,
    )
    const entry = statusOf({ decision: { ...chosen, decidedAt: NOW } })
    expect(statusDetails(entry, NOW, plain)).toContain(`last choice   ${decisionText(chosen)}`)
  })

  it('tells of a new query that is being filled, canceled, or left behind', () => {
    const filled = {
      query: 'select 1',
      phase: 'catching up',
      startedAt: new Date(NOW.getTime() - 90_000),
      running: true,
      canceled: true,
      bytes: 3_000_000,
      rounds: 1,
      changeRows: 20,
    } as const
    const left = { ...filled, running: false }
    const line = (newQuery: typeof filled | typeof left) =>
      statusDetails(statusOf({ newQuery }), NOW, plain).match(/^new query .*$/m)?.[0]
    expect(line(filled)).toMatchInlineSnapshot(
      `"new query     catching up since 1m 30s, 2.9 MB, 1 round, 20 changes in the last, canceled"`,
    )
    expect(line(left)).toMatchInlineSnapshot(
      `"new query     was left behind; a scheduler removes it, or freshet repair"`,
    )
    expect(statusList([statusOf({ newQuery: filled })], NOW, plain)).toContain('active, new query: catching up')
    expect(statusList([statusOf({ newQuery: left })], NOW, plain)).toContain('active, new query: left behind')
  })

  it('puts the worst finding first', () => {
    expect(
      findingList(
        [
          { level: 'ok', subject: 'server', message: 'PostgreSQL 18', hint: null },
          { level: 'error', subject: 'public.orders', message: 'no trigger', hint: 'resume it' },
        ],
        plain,
      ),
    ).toMatchInlineSnapshot(`
      "error    public.orders: no trigger
               hint: resume it
      ok       server: PostgreSQL 18
      1 error, 0 warnings."
    `)
  })
})

describe('single answers', () => {
  const outcome = { reason: null, rowsInserted: 1200, rowsDeleted: 3, changeRows: 1, durationMs: 2.5 }

  it('tells a refresh in a line', () => {
    expect(renderOutcome('a', { ...outcome, action: 'differential' }, plain)).toBe(
      'a: differential, 1 change read, +1,200 −3 rows 2.50 ms',
    )
    expect(renderOutcome('a', { ...outcome, action: 'full', reason: 'truncated' }, plain)).toBe(
      'a: full (truncated), +1,200 −3 rows 2.50 ms',
    )
    expect(renderOutcome('a', { ...outcome, action: 'none' }, plain)).toBe('a: nothing to do 2.50 ms')
    expect(renderOutcome('a', { ...outcome, action: 'busy' }, plain)).toContain('busy')
  })

  it('shows where a stream table and its query differ', () => {
    expect(
      renderVerification(
        'a',
        {
          name: 'a',
          equal: false,
          rows: 10,
          extra: 1,
          missing: 2,
          samples: [
            { side: 'extra', row: '{"n":1}' },
            { side: 'missing', row: '{"n":2}' },
          ],
        },
        plain,
      ),
    ).toMatchInlineSnapshot(`
      "≠ a: differs, 1 only in the table, 2 only in the query
        table  {"n":1}
        query  {"n":2}"
    `)
  })

  it('says why a stream table is recomputed, in words for a shell', () => {
    const entry = statusOf({
      name: 'sales."it\'s"',
      modeReason: { code: 'WINDOW', detail: 'it has a window function', hint: 'Leave it out.' },
    })
    const text = fullNotice(entry, plain)
    expect(text).toContain('hint: Leave it out. `freshet explain')
    expect(text).toContain('notice WINDOW: sales."it\'s" is refreshed in full: it has a window function')
    expect(text).toContain(`freshet explain 'sales."it'\\''s"'`)
  })

  it('explains', () => {
    const explanation = {
      name: null,
      mode: 'auto' as const,
      effectiveMode: 'full' as const,
      reason: { code: 'WINDOW', detail: 'a window function', hint: 'leave it out' },
      storage: 'bag' as const,
      keyColumns: [],
      plan: 'scan\n',
      tree: { operator: 'scan', detail: '', law: '', inputs: [] },
      dot: 'digraph {}',
      stages: [{ table: 'public.daily', columns: ['day', 'total'], rows: null, bytes: null }],
      state: null,
      nextFull: null,
      missingIndexes: [],
      statements: { full: 'select 1', delta: 'select 2;' },
    }
    expect(explanationText(explanation, plain)).toMatchInlineSnapshot(`
      "mode        auto → full
      maintained  by recomputing
      because     WINDOW: a window function
      hint        leave it out
      storage     bag
      statements  full, delta

      scan

      kept in
        public.daily (day, total)"
    `)
    const decision = {
      action: 'full',
      reason: 'CHEAPER',
      basis: 'history',
      changeRows: 86_000,
      sourceRows: 866_000,
      differentialMs: 480,
      fullMs: 90.4,
      decidedAt: NOW,
    } as const
    const standing: Explanation = {
      ...explanation,
      name: 'public.daily',
      effectiveMode: 'differential',
      reason: null,
      stages: [{ table: 'public.daily', columns: ['day'], rows: 1_200, bytes: 81_920 }],
      state: { status: 'active', statusReason: null, refreshedAt: NOW, decision },
      nextFull: { code: 'FORCED', hint: 'Take it away.' },
      missingIndexes: [
        {
          table: 'public.orders',
          columns: ['day'],
          operators: ['inner join'],
          statement: 'create index concurrently on public.orders (day);',
        },
      ],
    }
    expect(explanationText(standing, plain)).toMatchInlineSnapshot(`
      "stream table  public.daily
      mode          auto → differential
      maintained    by deltas
      next          in full, FORCED: Take it away.
      status        active
      refreshed     2026-02-03 04:05:10 UTC
      last choice   in full: 86,000 changes to 866,000 rows; expected from its history: in full about 90 ms, by delta about 480 ms
      storage       bag
      statements    full, delta

      scan

      kept in
        public.daily (day)  about 1,200 rows, 80 kB

      missing indexes: without them a refresh reads whole tables
        create index concurrently on public.orders (day);  -- inner join"
    `)
    expect(statementsText(explanation.statements, (statement) => statement, plain)).toBe(
      '-- full\nselect 1;\n\n-- delta\nselect 2;',
    )
  })
})

describe('formatted SQL', () => {
  it('breaks lines and changes nothing else', async () => {
    const format = await sqlFormatter()
    const statement = `with d as (select "A b", E'it\\'s  two' from t where a @> $1::jsonb) delete from u using d where u.k is not distinct from d.k`
    const shown = format(statement)
    expect(shown.split('\n').length).toBeGreaterThan(5)
    const squeeze = (text: string) => text.replaceAll(/\s/g, '')
    expect(squeeze(shown)).toBe(squeeze(statement))
  })

  it('shows what it can not read as it is', async () => {
    const format = await sqlFormatter()
    expect(format('select (1')).toMatch(/^-- not formatted: .*\nselect \(1$/)
  })
})
