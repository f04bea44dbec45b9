/**
 * Asks at most once per `ttlMs`, however many ask: open dashboards share one answer, so that looking costs the database
 * the same for one of them and for fifty. A failure is not kept.
 */
export function memo<T>(ttlMs: number, ask: () => Promise<T>, now: () => number = Date.now): () => Promise<T> {
  let kept: { readonly answer: Promise<T>; readonly until: number } | undefined
  return () => {
    if (kept !== undefined && now() < kept.until) return kept.answer
    const answer = ask()
    const entry = { answer, until: now() + ttlMs }
    kept = entry
    answer.catch(() => {
      if (kept === entry) kept = undefined
    })
    return answer
  }
}
