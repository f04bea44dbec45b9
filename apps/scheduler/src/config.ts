import { checkDatabaseUrl, FreshetError } from '@freshet/core'
import { parseArgs } from 'node:util'
import { z } from 'zod'

/** The scheduler's configuration: flags win over the environment, and what neither says has its default. */
export interface SchedulerConfig {
  readonly databaseUrl: string
  readonly host: string
  readonly port: number
  readonly logLevel: LogLevel
  /** How long running refreshes are waited for at the end. */
  readonly drainTimeoutMs: number
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export const DEFAULT_PORT = 8710
export const DEFAULT_HOST = '127.0.0.1'
export const DEFAULT_DRAIN_TIMEOUT_MS = 30_000

const OPTIONS = {
  'database-url': { variable: 'DATABASE_URL', takes: 'postgres://user:password@host:port/database' },
  host: { variable: 'FRESHET_HTTP_HOST', takes: `an address to listen on; default ${DEFAULT_HOST}` },
  port: { variable: 'FRESHET_HTTP_PORT', takes: `0 to 65535, 0 for any free one; default ${DEFAULT_PORT}` },
  'log-level': { variable: 'FRESHET_LOG_LEVEL', takes: `${LOG_LEVELS.join(', ')}; default info` },
  'drain-timeout-ms': {
    variable: 'FRESHET_DRAIN_TIMEOUT_MS',
    takes: `milliseconds; default ${DEFAULT_DRAIN_TIMEOUT_MS}`,
  },
} as const

type OptionName = keyof typeof OPTIONS

const whole = z.string().regex(/^\d+$/, 'is not a whole number').transform(Number)
const schema = z.object({
  'database-url': z.string({ error: 'is missing' }),
  host: z.string().min(1, 'is empty').default(DEFAULT_HOST),
  port: whole.pipe(z.number().max(65_535, 'is above 65535')).default(DEFAULT_PORT),
  'log-level': z.enum(LOG_LEVELS, { error: 'is not a log level' }).default('info'),
  'drain-timeout-ms': whole.pipe(z.number().max(86_400_000, 'is longer than a day')).default(DEFAULT_DRAIN_TIMEOUT_MS),
})

export const USAGE = [
  'usage: freshet-scheduler [OPTION…]',
  ...Object.entries(OPTIONS).map(([name, { variable, takes }]) => `  --${name.padEnd(18)} ${variable}: ${takes}`),
].join('\n')

export function readConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): SchedulerConfig {
  const flags = readFlags(args)
  const given = Object.fromEntries(
    optionNames().map((name) => [name, flags[name] ?? (environment[OPTIONS[name].variable] || undefined)]),
  )
  const parsed = schema.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const name = optionNames().find((option) => option === issue?.path[0])
    if (name === undefined) throw usage(parsed.error.message)
    const { variable, takes } = OPTIONS[name]
    throw usage(`--${name} (or ${variable}) ${issue?.message ?? 'is wrong'}`, `It takes ${takes}.`)
  }
  const { data } = parsed
  return {
    databaseUrl: checkDatabaseUrl(data['database-url']),
    host: data.host,
    port: data.port,
    logLevel: data['log-level'],
    drainTimeoutMs: data['drain-timeout-ms'],
  }
}

function readFlags(args: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options = Object.fromEntries(optionNames().map((name) => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error), USAGE)
  }
}

function optionNames(): OptionName[] {
  return ['database-url', 'host', 'port', 'log-level', 'drain-timeout-ms']
}

function usage(message: string, hint?: string): FreshetError {
  return new FreshetError('USAGE', message, hint === undefined ? {} : { hint })
}
