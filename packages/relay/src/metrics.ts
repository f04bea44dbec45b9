import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Listener } from './notice.ts'

/** What a relay counts, in the text format of Prometheus. */
export interface RelayMetrics {
  readonly listener: Listener
  expose(): Promise<{ readonly text: string; readonly contentType: string }>
}

const CIRCUITS = { closed: 0, 'half open': 1, open: 2 } as const

export function relayMetrics(): RelayMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  const registers = [registry]
  const labelNames = ['relay'] as const
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames, registers })
  const messages = counter('freshet_relay_messages_total', 'Messages that were delivered.')
  const bytes = counter('freshet_relay_bytes_total', 'Bytes of their values.')
  const letters = counter(
    'freshet_relay_dead_letters_total',
    'Messages that the sink refused, put among the dead letters.',
  )
  const redelivered = counter('freshet_relay_redelivered_total', 'Dead letters that were delivered after all.')
  const failures = new Counter({
    name: 'freshet_relay_failures_total',
    help: 'Failures, after which a relay begins anew.',
    labelNames: ['relay', 'code'],
    registers,
  })
  const seconds = new Histogram({
    name: 'freshet_relay_delivery_seconds',
    help: 'How long a delivery took the sink.',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  const lag = new Gauge({
    name: 'freshet_relay_lag_messages',
    help: 'Messages of its outbox that wait.',
    labelNames,
    registers,
  })
  const working = new Gauge({
    name: 'freshet_relay_working',
    help: '1: this process has the lease and works; 0: another one does, or it waits after a failure.',
    labelNames,
    registers,
  })
  const circuit = new Gauge({
    name: 'freshet_relay_circuit',
    help: '0: closed; 1: half open, one delivery is tried; 2: open, the sink is left alone.',
    labelNames,
    registers,
  })
  return {
    listener: (notice) => {
      const { relay } = notice
      switch (notice.kind) {
        case 'delivered':
          messages.inc({ relay }, notice.messages)
          bytes.inc({ relay }, notice.bytes)
          seconds.observe({ relay }, notice.seconds)
          circuit.set({ relay }, CIRCUITS.closed)
          return
        case 'failed':
          failures.inc({ relay, code: notice.error.code })
          circuit.set({ relay }, CIRCUITS[notice.circuit])
          working.set({ relay }, 0)
          return
        case 'dead letter':
          letters.inc({ relay })
          return
        case 'redelivered':
          redelivered.inc({ relay }, notice.messages)
          return
        case 'lag':
          lag.set({ relay }, notice.messages)
          return
        case 'started':
          working.set({ relay }, 1)
          return
        case 'waiting':
        case 'stopped':
          working.set({ relay }, 0)
          return
      }
    },
    expose: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
  }
}
