import { connect, type Freshet } from '@freshet/client'
import { FreshetError, toFreshetError } from '@freshet/core'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type LoadedConfig, parseConfig, type PipelineConfig } from './config/config.ts'
import { createSink } from './create-sink.ts'
import { FORMATS } from './envelope/envelope.ts'
import { healthKeeper, type RelayHealth } from './health.ts'
import { type RelayServer, serveRelay } from './http.ts'
import { relayMetrics } from './metrics.ts'
import type { Listener } from './notice.ts'
import { runPipeline } from './pipeline.ts'
import { loadTransform } from './transform.ts'

/**
 * The relay process: the pipelines of a configuration, side by side. A new configuration takes the place of the old one
 * without stopping what it leaves as it is; one with mistakes changes nothing.
 */
export interface Relay {
  /** Of `/health` and `/metrics`; null where the configuration asks for none. */
  readonly url: string | null
  health(): RelayHealth
  /** Reads a configuration's text; returns the names of the relays that were stopped or started. */
  reload(text: string): Promise<readonly string[]>
  /** Delivers what is under way, and stops. */
  stop(): Promise<void>
}

export interface RelayOptions {
  readonly text: string
  /** Paths in the configuration are as seen from its folder. */
  readonly path: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Unless the configuration names one. */
  readonly databaseUrl?: string
  readonly listener?: Listener
}

interface Running {
  readonly config: PipelineConfig
  readonly ending: AbortController
  readonly ended: Promise<void>
}

export async function startRelay(options: RelayOptions): Promise<Relay> {
  const loaded = parseConfig(options.text, options.env)
  const databaseUrl = databaseOf(loaded, options)
  const folder = dirname(options.path)
  const keeper = healthKeeper()
  const metrics = relayMetrics()
  const health = () => keeper.health()
  const listener: Listener = (notice) => {
    for (const one of [keeper.listener, metrics.listener, options.listener]) one?.(notice)
  }
  const running = new Map<string, Running>()
  const freshet = await connect({ databaseUrl, applicationName: 'freshet-relay', poolSize: 20 })
  const parts: Parts = { freshet, folder, listener }
  let server: RelayServer | null = null
  try {
    await freshet.list() // says what is wrong where Freshet is not installed
    for (const [name, config] of Object.entries(loaded.config.relays))
      running.set(name, await startPipeline(parts, name, config))
    const { http } = loaded.config
    if (http !== undefined) server = await serveRelay({ ...http, health, metrics: () => metrics.expose() })
  } catch (error) {
    await stopAll(running)
    await freshet.close()
    throw error
  }
  return {
    url: server?.url ?? null,
    health,
    reload: async (text) => {
      const next = parseConfig(text, options.env)
      if (databaseOf(next, options) !== databaseUrl)
        throw new FreshetError('RELAY_CONFIG_INVALID', 'database: another one needs another relay process')
      const { relays } = next.config
      const changed = [...new Set([...running.keys(), ...Object.keys(relays)])].filter(
        (name) => !isDeepStrictEqual(running.get(name)?.config, relays[name]),
      )
      await replace(parts, running, relays, changed)
      for (const name of changed) if (relays[name] === undefined) keeper.forget(name)
      return changed
    },
    stop: async () => {
      await stopAll(running)
      await server?.close()
      await freshet.close()
    },
  }
}

interface Parts {
  readonly freshet: Freshet
  readonly folder: string
  readonly listener: Listener
}

/** What can be wrong with a pipeline before it runs is found before the old one is stopped. */
async function replace(
  parts: Parts,
  running: Map<string, Running>,
  relays: Readonly<Record<string, PipelineConfig>>,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const { transform } = relays[name] ?? {}
    if (transform !== undefined) await loadTransform(parts.folder, transform)
  }
  for (const name of names) {
    await stopPipeline(running.get(name))
    running.delete(name)
    const config = relays[name]
    if (config !== undefined) running.set(name, await startPipeline(parts, name, config))
  }
}

async function startPipeline(
  { freshet, folder, listener }: Parts,
  name: string,
  config: PipelineConfig,
): Promise<Running> {
  const ending = new AbortController()
  const transform = config.transform === undefined ? null : await loadTransform(folder, config.transform)
  const encoding = { format: FORMATS[config.format], route: { topic: config.topic, key: config.key }, transform }
  const create = (identity: string) => createSink(config.sink, folder, identity)
  const ended = runPipeline({ name, config, freshet, encoding, createSink: create, listener }, ending.signal)
  return { config, ending, ended }
}

async function stopPipeline(pipeline: Running | undefined): Promise<void> {
  pipeline?.ending.abort()
  await pipeline?.ended
}

async function stopAll(running: ReadonlyMap<string, Running>): Promise<void> {
  const ended = await Promise.allSettled([...running.values()].map(stopPipeline))
  for (const result of ended) if (result.status === 'rejected') throw toFreshetError(result.reason)
}

function databaseOf({ config }: LoadedConfig, { databaseUrl }: RelayOptions): string {
  const url = config.database ?? databaseUrl
  if (url !== undefined && url !== '') return url
  throw new FreshetError('RELAY_CONFIG_INVALID', 'database: no database was given', {
    hint: 'Set `database: ${ENV:DATABASE_URL}` in the file, give --database-url, or set DATABASE_URL.',
  })
}
