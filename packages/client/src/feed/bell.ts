/** Somebody waits; whoever has news rings. A ring that nobody waited for is kept for the next who does. */
export interface Bell {
  ring(): void
  /** Ends at the ring, or after this time. */
  wait(ms: number): Promise<void>
}

export function bell(): Bell {
  let rung = false
  let heard: (() => void) | null = null
  return {
    ring: () => {
      rung = true
      heard?.()
    },
    wait: async (ms) => {
      if (!rung)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          heard = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      heard = null
      rung = false
    },
  }
}
