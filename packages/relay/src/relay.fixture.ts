import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from './message.ts'
import type { RelayNotice } from './notice.ts'
import { outboxWorld, type OutboxWorld } from './outbox/outbox.fixture.ts'
import { type Relay, startRelay } from './relay.ts'
import { parseLine } from './sinks/lines.ts'

/** An outbox, a folder, and relays that are stopped at the end. */
export interface RelayWorld extends OutboxWorld {
  readonly folder: string
  readonly notices: RelayNotice[]
  start(text: string, env?: Readonly<Record<string, string>>): Promise<Relay>
  /** What the file of the sink holds. */
  lines(file?: string): Promise<readonly Message[]>
  /** Waits until it is so; what was told meanwhile explains why it is not. */
  until(what: () => boolean | Promise<boolean>): Promise<void>
}

const PATIENCE_MS = 30_000

export async function relayWorld(): Promise<RelayWorld> {
  const world = await outboxWorld()
  const folder = await mkdtemp(join(tmpdir(), 'freshet-relay-'))
  const relays: Relay[] = []
  const notices: RelayNotice[] = []
  return {
    ...world,
    folder,
    notices,
    start: async (text, env = {}) => {
      const relay = await startRelay({
        text,
        path: join(folder, 'relay.yaml'),
        env,
        databaseUrl: world.test.url,
        listener: (notice) => void notices.push(notice),
      })
      relays.push(relay)
      return relay
    },
    lines: async (file = 'messages.jsonl') => {
      const text = await readFile(join(folder, file), 'utf8').catch(() => '')
      return text.split('\n').slice(0, -1).map(parseLine)
    },
    until: async (what) => {
      const end = performance.now() + PATIENCE_MS
      while (!(await what())) {
        if (performance.now() > end) throw new Error(`it did not come to pass; ${JSON.stringify(notices.slice(-10))}`)
        await sleep(10)
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const relay of relays) await relay.stop()
      await rm(folder, { recursive: true })
      await world[Symbol.asyncDispose]()
    },
  }
}

/** One relay from the outbox to a file, with more of its settings. */
export function toFile(more = '', file = 'messages.jsonl'): string {
  return `relays:\n  orders:\n    source: { outbox: outbox }\n    sink: { kind: file, path: ${file} }\n${more}`
}
