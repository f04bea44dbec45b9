import type { ErrorJson } from '@freshet/core'
import type { Listener } from './notice.ts'

/** How each relay of a process is: it works, it waits while another process works, or it waits after a failure. */
export interface RelayHealth {
  readonly ready: boolean
  readonly relays: Readonly<Record<string, PipelineHealth>>
}

export interface PipelineHealth {
  readonly state: 'starting' | 'working' | 'standby' | 'failing' | 'stopped'
  readonly lag: number | null
  readonly error: ErrorJson | null
}

export interface HealthKeeper {
  readonly listener: Listener
  forget(relay: string): void
  health(): RelayHealth
}

export function healthKeeper(): HealthKeeper {
  const relays = new Map<string, PipelineHealth>()
  const change = (relay: string, news: Partial<PipelineHealth>) =>
    relays.set(relay, { state: 'starting', lag: null, error: null, ...relays.get(relay), ...news })
  return {
    listener: (notice) => {
      const { relay } = notice
      switch (notice.kind) {
        case 'started':
        case 'delivered':
          change(relay, { state: 'working', error: null })
          return
        case 'waiting':
          change(relay, { state: 'standby', error: null, lag: null })
          return
        case 'failed':
          change(relay, { state: 'failing', error: notice.error.toJSON() })
          return
        case 'lag':
          change(relay, { lag: notice.messages })
          return
        case 'stopped':
          change(relay, { state: 'stopped' })
          return
        case 'dead letter':
        case 'redelivered':
          return
      }
    },
    forget: (relay) => void relays.delete(relay),
    health: () => ({
      ready: [...relays.values()].every(({ state }) => state === 'working' || state === 'standby'),
      relays: Object.fromEntries(relays),
    }),
  }
}
