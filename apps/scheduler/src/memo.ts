const SHARE = 10

/**
 * Asks at most once per `ttlMs`, however many ask: open dashboards share one answer, so that looking costs the database
 * the same for one of them and for fifty. An answer that took long is kept for ten times as long as it took, so that
 * looking never takes more than a tenth of the time. A failure is not kept.
 */
export function memo<T>(ttlMs: number, ask: () => Promise<T>, now: () => number = Date.now): () => Promise<T> {
  let kept: { readonly answer: Promise<T>; readonly until: number } | undefined
  return () => {
    if (kept !== undefined && now() < kept.until) return kept.answer
    const askedAt = now()
    const answer = ask()
    const entry = { answer, until: Infinity }
    kept = entry
    answer.then(
      () => {
        entry.until = now() + Math.max(ttlMs, (now() - askedAt) * SHARE)
      },
      () => {
        if (kept === entry) kept = undefined
      },
    )
    return answer
  }
}
