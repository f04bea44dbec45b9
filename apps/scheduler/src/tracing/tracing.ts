import { FreshetError } from '@freshet/core'
import type { Logger } from 'pino'
import { type Protocol, PROTOCOLS, type Tracing } from './port.ts'

/**
 * The standard variables of OpenTelemetry switch tracing on (an exporter or an endpoint is named) and say everything else:
 * what they do not turn on is not even loaded.
 */
type Environment = Readonly<Record<string, string | undefined>>

/** How spans are sent by these variables; null when they are not. */
export function protocolOf(environment: Environment): Protocol | null {
  const given = (name: string) => environment[name]?.trim() || undefined
  if (given('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
  const exporter = given('OTEL_TRACES_EXPORTER')
  const endpoint = given('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? given('OTEL_EXPORTER_OTLP_ENDPOINT')
  if (exporter === 'none' || (exporter === undefined && endpoint === undefined)) return null
  if (exporter !== undefined && exporter !== 'otlp')
    throw new FreshetError('USAGE', `OTEL_TRACES_EXPORTER can not be ${exporter}`, { hint: 'It takes otlp or none.' })
  const asked = given('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? given('OTEL_EXPORTER_OTLP_PROTOCOL') ?? PROTOCOLS[0]
  const protocol = PROTOCOLS.find((known) => known === asked)
  if (protocol !== undefined) return protocol
  throw new FreshetError('USAGE', `OTEL_EXPORTER_OTLP_PROTOCOL can not be ${asked}`, {
    hint: `It takes ${PROTOCOLS.join(' or ')}; collectors listen for both at port 4318.`,
  })
}

/** By the variables of this process; null when they ask for no spans. */
export async function openTracing(logger: Logger): Promise<Tracing | null> {
  const protocol = protocolOf(process.env)
  if (protocol === null) return null
  const { openOtlp } = await import('./otlp.ts')
  return openOtlp(protocol, logger)
}
