import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startRelay } from '@freshet/relay'
import pg from 'pg'
import { pollingOutbox } from './polling-outbox.ts'

/** A relay as a process of its own, as in production: Freshet's, or the rival's. The consumer of a topic begins where the outbox does. */
export type RelayKind = 'freshet' | 'polling'

export interface RelayProcess extends AsyncDisposable {
  readonly name: RelayKind
}

export interface RelayTask {
  readonly name: RelayKind
  readonly databaseUrl: string
  readonly broker: string
  readonly topic: string
}

const RIVAL_PAGE_ROWS = 5_000

export async function startRelayProcess(task: RelayTask): Promise<RelayProcess> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(task)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the relay ended with ${child.exitCode}`)))
  await Promise.race([once(child, 'message'), ended])
  return { name: task.name, [Symbol.asyncDispose]: () => stop(child, ended) }
}

async function stop(child: ChildProcess, ended: Promise<never>): Promise<void> {
  const exit = ended.catch(() => undefined) // it is asked to
  child.kill('SIGTERM')
  await exit
}

/** In the process. */
async function run({ name, databaseUrl, broker, topic }: RelayTask): Promise<void> {
  const running = name === 'freshet' ? await freshet(databaseUrl, broker, topic) : await rival(databaseUrl, broker)
  process.once('SIGTERM', () => void running[Symbol.asyncDispose]().then(() => process.exit(0)))
  process.send?.('ready')
}

async function freshet(databaseUrl: string, broker: string, topic: string): Promise<AsyncDisposable> {
  const text = `relays:
  bench.${topic}:
    source: { outbox: outbox }
    format: plain
    sink_max_inflight: 20000
    sink: { kind: kafka, brokers: ['${broker}'] }`
  const running = await startRelay({ text, path: 'relay.yaml', env: {}, databaseUrl })
  return { [Symbol.asyncDispose]: () => running.stop() }
}

async function rival(databaseUrl: string, broker: string): Promise<AsyncDisposable> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const running = await pollingOutbox(client, broker, RIVAL_PAGE_ROWS)
  return {
    [Symbol.asyncDispose]: async () => {
      await running[Symbol.asyncDispose]()
      await client.end()
    },
  }
}

const [, script, task] = process.argv
if (script === fileURLToPath(import.meta.url) && task !== undefined) await run(JSON.parse(task) as RelayTask)
