import type { CoordinatorView } from '@freshet/coordinator'

/**
 * Live: the process answers and its loop is not stuck; restart it if not. Ready: it polls, so its stream tables are kept
 * fresh. A server that is down makes it unready and not dead: restarting would mend nothing.
 */
export interface Health {
  readonly live: boolean
  readonly ready: boolean
  /** Why it is not ready; null when it is. */
  readonly reason: string | null
}

/** Polls are seconds apart at most; a loop that has been silent for so long hangs on a connection that is dead. */
const STUCK_MS = 120_000

export function healthOf(view: CoordinatorView): Health {
  if (view.stopping) return { live: true, ready: false, reason: 'draining' }
  if (view.trouble !== null) return { live: true, ready: false, reason: view.trouble.message }
  if (view.lastPollAgoMs === null) return { live: true, ready: false, reason: 'starting: not connected yet' }
  if (view.lastPollAgoMs > STUCK_MS) {
    return { live: false, ready: false, reason: `no poll for ${Math.round(view.lastPollAgoMs / 1000)} s` }
  }
  return { live: true, ready: true, reason: null }
}

export interface DatabaseHealth extends Health {
  readonly database: string
}

/**
 * Of a process with several databases: ready while one of them is, because to restart it, or to send nobody to it, would harm
 * that one; live while all are.
 */
export function healthOfAll(
  databases: readonly { readonly name: string; view(): CoordinatorView }[],
): Health & { readonly databases?: readonly DatabaseHealth[] } {
  const each = databases.map((one) => ({ database: one.name, ...healthOf(one.view()) }))
  const [only] = each
  if (only !== undefined && each.length === 1) {
    const { live, ready, reason } = only
    return { live, ready, reason }
  }
  const failing = each.flatMap(({ database, reason }) => (reason === null ? [] : [`${database}: ${reason}`]))
  return {
    live: each.every(({ live }) => live),
    ready: each.some(({ ready }) => ready),
    reason: failing.length === 0 ? null : failing.join('; '),
    databases: each,
  }
}
