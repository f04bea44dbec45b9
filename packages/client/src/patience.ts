import { FreshetError, isRefusal, type RefreshOutcome } from '@freshet/core'

/** Somebody who asks for a refresh waits for the one that is running, and for whoever has locked a source, for a while. */
const PATIENCE_MS = 30_000
const PAUSE_MS = 20

export async function withPatience(
  name: string,
  refresh: () => Promise<RefreshOutcome>,
  patienceMs = PATIENCE_MS,
): Promise<RefreshOutcome> {
  const until = performance.now() + patienceMs
  for (;;) {
    const outcome = await refresh().catch((error: unknown) => {
      if (!isRefusal(error) || performance.now() > until) throw error
      return null
    })
    if (outcome !== null && outcome.action !== 'busy') return outcome
    if (performance.now() > until) {
      throw new FreshetError(
        'LOCK_TIMEOUT',
        `${name} is being refreshed by somebody else, for more than ${patienceMs / 1000} s`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
