import { pino } from 'pino'
import { afterEach, expect, test, vi } from 'vitest'
import { derivedIds } from './derived-ids.ts'
import { openTracing, protocolOf } from './tracing.ts'

afterEach(() => vi.unstubAllEnvs())

test('the standard variables switch it on, and off', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }
  expect(protocolOf({})).toBeNull()
  expect(protocolOf({ OTEL_SERVICE_NAME: 'shop' })).toBeNull()
  expect(protocolOf(endpoint)).toBe('http/protobuf')
  expect(protocolOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' })).toBe('http/protobuf')
  expect(protocolOf({ OTEL_TRACES_EXPORTER: 'otlp' })).toBe('http/protobuf')
  expect(protocolOf({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' })).toBe('http/json')
  expect(protocolOf({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeNull()
  expect(protocolOf({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeNull()
  expect(protocolOf({ ...endpoint, OTEL_TRACES_EXPORTER: '' })).toBe('http/protobuf')
})

test('what it can not do is an error at the start', () => {
  expect(() => protocolOf({ OTEL_TRACES_EXPORTER: 'zipkin' })).toThrow('OTEL_TRACES_EXPORTER can not be zipkin')
  expect(() => protocolOf({ OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(
    'OTEL_EXPORTER_OTLP_PROTOCOL can not be grpc',
  )
})

test('a process whose variables say nothing has no tracer', async () => {
  for (const name of Object.keys(process.env).filter((known) => known.startsWith('OTEL_'))) vi.stubEnv(name, undefined)
  expect(await openTracing(pino({ level: 'silent' }))).toBeNull()
})

test('derived ids are those of one span, and all others are random', () => {
  const ids = derivedIds()
  const identity = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
  const made = ids.identified(identity, () => [ids.generateSpanId(), ids.generateTraceId(), ids.generateSpanId()])
  expect(made.slice(0, 2)).toEqual([identity.spanId, identity.traceId])
  expect(made[2]).toMatch(/^[0-9a-f]{16}$/)
  expect(made[2]).not.toBe(identity.spanId)
  // what was not used is not kept for another span
  ids.identified(identity, () => undefined)
  expect(ids.generateTraceId()).not.toBe(identity.traceId)
})
