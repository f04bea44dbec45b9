import { isFreshetError } from '@freshet/core'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseConfig } from './config.ts'
import { redact } from './environment.ts'

const GOOD = `
database: \${ENV:DATABASE_URL}
relays:
  orders:
    source: { outbox: shop.outbox }
    sink:
      kind: kafka
      brokers: ['kafka:9092']
      sasl: { mechanism: plain, username: 'relay-\${ENV:STAGE}', password: '\${ENV:KAFKA_PASSWORD}' }
`
const ENV = { DATABASE_URL: 'postgres://me:hunter22@db/shop', STAGE: 'test', KAFKA_PASSWORD: 'very secret' }

function mistakes(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    parseConfig(text, env)
  } catch (error) {
    if (!isFreshetError(error, 'RELAY_CONFIG_INVALID')) throw error
    return error.message.split('\n').filter((line) => !/^\d+ mistakes:$/.test(line))
  }
  return []
}

test('what is not said has its default, and variables are put in everywhere', () => {
  const { config, secrets } = parseConfig(GOOD, ENV)
  expect(config.database).toBe(ENV.DATABASE_URL)
  expect(config.relays['orders']).toMatchObject({
    from: 'beginning',
    format: 'freshet',
    topic: '{topic}',
    sink_max_inflight: 1_000,
    sink: { sasl: { username: 'relay-test', password: 'very secret' }, compression: 'none', tls: false },
  })
  expect(secrets).toEqual([ENV.DATABASE_URL, 'test', 'very secret'])
})

test('every variable that is missing is named, with its path', () => {
  expect(mistakes(GOOD, { STAGE: 'test' })).toEqual([
    'database: the environment variable DATABASE_URL is not set',
    'relays.orders.sink.sasl.password: the environment variable KAFKA_PASSWORD is not set',
  ])
})

test('every mistake is told with its path', () => {
  const text = `
databse: x
relays:
  Orders: { source: { outbox: a }, sink: { kind: stdout } }
  one: { source: { outbox: a, stream_table: b }, sink: { kind: stdout } }
  two: { source: { outbox: a }, topic: '{nothing}', sink: { kind: carrier_pigeon } }
  three: { source: { outbox: a }, sink_max_inflight: lots, sink: { kind: kafka, brokers: ['kafka'], tsl: true } }
  four: { source: { outbox: a }, poll_min_ms: 100, poll_max_ms: 10, sink: { kind: file } }
`
  expect(mistakes(text)).toMatchInlineSnapshot(`
    [
      "relays.Orders: Invalid key in record",
      "relays.one.source.stream_table: is not known here",
      "relays.two.topic: there is no {nothing}; there are {topic}, {key}, {schema}, {table}, {op} and {header:NAME}",
      "relays.two.sink.kind: Invalid discriminator value. Expected 'kafka' | 'nats' | 'rabbitmq' | 'redis' | 'stdout' | 'file' | 'webhook' | 'inbox'",
      "relays.three.sink_max_inflight: Invalid input: expected number, received string",
      "relays.three.sink.brokers[0]: must be host:port",
      "relays.three.sink.tsl: is not known here",
      "relays.four.sink.path: Invalid input: expected string, received undefined",
      "databse: is not known here",
    ]
  `)
})

test('templates of sinks, compressions and addresses are looked at', () => {
  const of = (sink: string) => mistakes(`relays: { one: { source: { outbox: a }, sink: { ${sink} } } }`)
  expect(of(`kind: rabbitmq, url: 'http://mq'`)).toEqual(['relays.one.sink.url: must be amqp://… or amqps://…'])
  expect(of(`kind: rabbitmq, url: 'amqp://mq', routing_key: '{op}', create_queues: mirrored`)).toEqual([
    'relays.one.sink.routing_key: there is no {op}; there are {topic}, {key} and {header:NAME}',
    expect.stringContaining('relays.one.sink.create_queues: '),
  ])
  for (const sink of ['kind: rabbitmq, url: amqp://mq', 'kind: redis, url: redis://r'])
    expect(of(`${sink}, tls: { ca_file: x }`)).toEqual([expect.stringContaining('relays.one.sink.tls: needs a url ')])
  expect(of(`kind: kafka, brokers: ['k:1'], compression: brotli, partition: '{row}', tls: { ca: x }`)).toEqual([
    expect.stringContaining('relays.one.sink.tls'),
    expect.stringContaining('relays.one.sink.compression: '),
    'relays.one.sink.partition: there is no {row}; there are {topic}, {key} and {header:NAME}',
  ])
})

test('the configuration of the local stack is right', () => {
  const text = readFileSync(new URL('../../../../infra/relay.yaml', import.meta.url), 'utf8')
  expect(mistakes(text, { DATABASE_URL: 'postgres://db/shop' })).toEqual([])
})

test('no relay, no YAML, no document', () => {
  expect(mistakes('relays: {}')).toEqual(['relays: there is no relay in it'])
  expect(mistakes('relays: [')).toEqual([expect.stringContaining('at line 1')])
  expect(mistakes('')).toEqual([expect.stringContaining('expected object')])
})

test('secrets are taken out of whatever is told', () => {
  const { secrets } = parseConfig(GOOD, ENV)
  const told = redact(`password very secret of ${ENV.DATABASE_URL}, and amqp://guest:other@mq/`, secrets)
  expect(told).toBe('password [redacted] of [redacted], and amqp://guest:[redacted]@mq/')
})
