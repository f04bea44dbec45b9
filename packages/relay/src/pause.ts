import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for so long, or until the signal: then it is over as well, and whoever waits looks at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
