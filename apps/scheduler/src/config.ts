import { FreshetError } from '@freshet/core'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { nameDatabases, splitUrls } from './database-names.ts'
import type { FeedAccess } from './feeds.ts'

/** The scheduler's configuration: flags win over the environment, and what neither says has its default. */
export interface SchedulerConfig {
  /** One or several. */
  readonly databaseUrl: readonly string[]
  /** How many refreshes run at once, over several databases. */
  readonly workers: number
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** How long running refreshes are waited for at the end. */
  readonly drainTimeoutMs: number
  readonly feeds: FeedAccess
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const DEFAULT_PORT = 8710
export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_DRAIN_TIMEOUT_MS = 30_000
export const DEFAULT_WORKERS = 16

const OPTIONS = {
  'database-url': {
    variable: 'DATABASE_URL',
    takes: 'postgres://user:password@host:port/database; again, or with spaces between them, for several databases',
  },
  workers: {
    variable: 'FRESHET_WORKERS',
    takes: `how many refreshes run at once over several databases, 1 to 1000; default ${DEFAULT_WORKERS}, or one each`,
  },
  host: { variable: 'FRESHET_HTTP_HOST', takes: `an address to listen on; default ${DEFAULT_HOST}` },
  port: { variable: 'FRESHET_HTTP_PORT', takes: `0 to 65535, 0 for any free one; default ${DEFAULT_PORT}` },
  'log-level': { variable: 'FRESHET_LOG_LEVEL', takes: `${LOG_LEVELS.join(', ')}; default info` },
  'drain-timeout-ms': {
    variable: 'FRESHET_DRAIN_TIMEOUT_MS',
    takes: `milliseconds; default ${DEFAULT_DRAIN_TIMEOUT_MS}`,
  },
  'feed-token': {
    variable: 'FRESHET_FEED_TOKEN',
    takes: 'a secret of 16 characters or more that readers of feeds show; without it no feeds are served',
  },
  'feed-origins': {
    variable: 'FRESHET_FEED_ORIGINS',
    takes: 'origins such as https://shop.example, with commas between them, whose pages may read feeds',
  },
} as const

type OptionName = keyof typeof OPTIONS

const whole = z.string().regex(/^\d+$/, 'is not a whole number').transform(Number)
const token = z
  .string()
  .min(16, 'is shorter than 16 characters')
  .regex(/^[\w.~+/=-]+$/, 'has characters that a header can not carry')
const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .refine((list) => list.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin), 'is no origin')
const schema = z.object({
  'database-url': z
    .string({ error: 'is missing' })
    .transform(splitUrls)
    .refine((urls) => urls.length > 0, 'is missing'),
  workers: whole.pipe(z.number().min(1, 'is none').max(1_000, 'is above 1000')).default(DEFAULT_WORKERS),
  host: z.string().min(1, 'is empty').default(DEFAULT_HOST),
  port: whole.pipe(z.number().max(65_535, 'is above 65535')).default(DEFAULT_PORT),
  'log-level': z.enum(LOG_LEVELS, { error: 'is not a log level' }).default('info'),
  'drain-timeout-ms': whole.pipe(z.number().max(86_400_000, 'is longer than a day')).default(DEFAULT_DRAIN_TIMEOUT_MS),
  'feed-token': token.optional(),
  'feed-origins': origins.default([]),
})

export const USAGE = [
  'usage: freshet-scheduler [OPTION…]',
  ...Object.entries(OPTIONS).map(([name, { variable, takes }]) => `  --${name.padEnd(18)} ${variable}: ${takes}`),
].join('\n')

type Environment = Readonly<Record<string, string | undefined>>
type Flags = Readonly<Partial<Record<OptionName, string | undefined>>>

export function readConfig(args: readonly string[], environment: Environment): SchedulerConfig {
  const data = checked(schema, readFlags(args), environment)
  return {
    databaseUrl: nameDatabases(data['database-url']).map(({ url }) => url),
    workers: data.workers,
    host: data.host,
    port: data.port,
    logLevel: data['log-level'],
    drainTimeoutMs: data['drain-timeout-ms'],
    feeds: feedAccess(data),
  }
}

/** All but the databases, for a command that finds those by itself; the log level only where it is given. */
export interface ServingConfig extends Omit<SchedulerConfig, 'databaseUrl' | 'logLevel'> {
  readonly logLevel: LogLevel | null
}

const serving = schema
  .omit({ 'database-url': true })
  .extend({ 'log-level': schema.shape['log-level'].unwrap().optional() })

export function readServingConfig(flags: Flags, environment: Environment): ServingConfig {
  const data = checked(serving, flags, environment)
  return {
    workers: data.workers,
    host: data.host,
    port: data.port,
    logLevel: data['log-level'] ?? null,
    drainTimeoutMs: data['drain-timeout-ms'],
    feeds: feedAccess(data),
  }
}

function feedAccess(data: Pick<z.output<typeof schema>, 'feed-token' | 'feed-origins'>): FeedAccess {
  return { token: data['feed-token'] ?? null, origins: data['feed-origins'] }
}

function checked<T>(shape: z.ZodType<T>, flags: Flags, environment: Environment): T {
  const given = Object.fromEntries(
    optionNames().map((name) => [name, flags[name] ?? (environment[OPTIONS[name].variable] || undefined)]),
  )
  const parsed = shape.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = optionNames().find((option) => option === issue?.path[0])
  if (name === undefined) throw usage(parsed.error.message)
  const { variable, takes } = OPTIONS[name]
  throw usage(`--${name} (or ${variable}) ${issue?.message ?? 'is wrong'}`, `It takes ${takes}.`)
}

function readFlags(args: readonly string[]): Flags {
  const options = Object.fromEntries(optionNames().map((name) => [name, { type: 'string' as const }]))
  try {
    const { 'database-url': urls, ...flags } = parseArgs({
      args: [...args],
      options: { ...options, 'database-url': { type: 'string' as const, multiple: true } },
      strict: true,
      allowPositionals: false,
    }).values
    return { ...flags, ...(urls === undefined ? {} : { 'database-url': urls.join(' ') }) }
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error), USAGE)
  }
}

function optionNames(): OptionName[] {
  return ['database-url', 'workers', 'host', 'port', 'log-level', 'drain-timeout-ms', 'feed-token', 'feed-origins']
}

function usage(message: string, hint?: string): FreshetError {
  return new FreshetError('USAGE', message, hint === undefined ? {} : { hint })
}
