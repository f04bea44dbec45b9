import { diag, DiagLogLevel, trace } from '@opentelemetry/api'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import type { Logger } from 'pino'
import { setTimeout as sleep } from 'node:timers/promises'
import { derivedIds } from './derived-ids.ts'
import type { Protocol, Tracing } from './port.ts'

/**
 * OpenTelemetry's SDK, sending in batches over HTTP; its own variables (endpoint, headers, sampler, resource, batches) hold.
 * It is the program's tracer: what the feeds of the scheduler do is traced with it. That a collector is away is logged
 * and nothing else; at the end it is waited for a moment.
 */
const CLOSE_MS = 3_000

export async function openOtlp(protocol: Protocol, logger: Logger): Promise<Tracing> {
  const log = (message: string, ...details: unknown[]) => logger.warn({ details }, `tracing: ${message}`)
  const quiet = () => undefined
  diag.setLogger({ error: log, warn: log, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN)
  const ids = derivedIds()
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'freshet-scheduler' }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor(await exporterFor(protocol))],
  })
  trace.setGlobalTracerProvider(provider)
  return {
    tracer: provider.getTracer('@freshet/scheduler'),
    identified: ids.identified,
    close: async () => {
      trace.disable()
      const inTime = new AbortController()
      const sent = provider.shutdown().then(
        () => true,
        (error: unknown) => {
          log('the last spans were not sent', error)
          return true
        },
      )
      const late = sleep(CLOSE_MS, false, { signal: inTime.signal, ref: false }).catch(() => true)
      if (!(await Promise.race([sent, late]))) log('the last spans were not sent in time')
      inTime.abort()
      diag.disable()
    },
  }
}

async function exporterFor(protocol: Protocol): Promise<SpanExporter> {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto')
  return new OTLPTraceExporter()
}
