import type { HistoryEntry, StreamTableStatus } from '@freshet/client'

/** A stream table in good order, and what a test changes of it. */
export function statusOf(changes: Partial<StreamTableStatus> = {}): StreamTableStatus {
  return {
    id: 1,
    schema: 'public',
    table: 'daily',
    name: 'public.daily',
    query: 'select day, sum(total) from orders group by day',
    mode: 'auto',
    effectiveMode: 'differential',
    modeReason: null,
    schedule: 'live',
    fuse: null,
    slaMs: null,
    tier: 'hot',
    atomic: null,
    together: [],
    storage: 'keyed',
    keyColumns: ['day'],
    placement: { kind: 'local' },
    pushedDown: false,
    advisory: null,
    status: 'active',
    statusReason: null,
    sources: [{ name: 'public.orders', streamTable: null, capture: 'trigger' }],
    gated: false,
    refreshedAt: new Date('2026-02-03T04:05:00Z'),
    decision: null,
    pendingChanges: 0,
    pendingIsLowerBound: false,
    estimatedRows: 1234,
    consecutiveErrors: 0,
    lastError: null,
    newQuery: null,
    refreshes: { count: 3, p50Ms: 0.8, p99Ms: 12.4 },
    ...changes,
  }
}

export function refreshOf(changes: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    refreshId: '7',
    name: 'public.daily',
    startedAt: new Date('2026-02-03T04:05:00.000Z'),
    finishedAt: new Date('2026-02-03T04:05:00.250Z'),
    action: 'differential',
    reason: null,
    initiatedBy: 'scheduler',
    changeRows: 20,
    rowsInserted: 3,
    rowsDeleted: 2,
    error: null,
    decision: null,
    ...changes,
  }
}

export const NOW = new Date('2026-02-03T04:05:10Z')
