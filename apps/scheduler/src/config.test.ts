import { expect, test } from 'vitest'
import { readConfig, readServingConfig } from './config.ts'

const DATABASE_URL = 'postgres://me:secret@db:5432/shop'

test('the environment, with defaults for the rest', () => {
  expect(readConfig([], { DATABASE_URL, FRESHET_HTTP_PORT: '', FRESHET_LOG_LEVEL: 'debug' })).toEqual({
    databaseUrl: [DATABASE_URL],
    workers: 16,
    host: '127.0.0.1',
    port: 8710,
    logLevel: 'debug',
    drainTimeoutMs: 30_000,
    feeds: { token: null, origins: [] },
  })
})

test('flags win over the environment', () => {
  const args = ['--port', '0', '--host=0.0.0.0', '--database-url', 'postgresql://other/db']
  expect(readConfig(args, { DATABASE_URL, FRESHET_HTTP_PORT: '1' })).toMatchObject({
    databaseUrl: ['postgresql://other/db'],
    host: '0.0.0.0',
    port: 0,
  })
})

test('several databases, by flags or in one variable', () => {
  const both = ['postgres://a/shop', 'postgres://a/bank']
  const flags = ['--database-url', 'postgres://a/shop', '--database-url=postgres://a/bank', '--workers', '3']
  expect(readConfig(flags, { DATABASE_URL })).toMatchObject({ databaseUrl: both, workers: 3 })
  expect(readConfig([], { DATABASE_URL: both.join('\n'), FRESHET_WORKERS: '5' })).toMatchObject({
    databaseUrl: both,
    workers: 5,
  })
  expect(readServingConfig({}, { FRESHET_WORKERS: '7' })).toMatchObject({ workers: 7 })
})

test('who may read feeds', () => {
  const environment = {
    DATABASE_URL,
    FRESHET_FEED_TOKEN: 'a-secret-of-some-length',
    FRESHET_FEED_ORIGINS: 'https://a.example, http://b:81',
  }
  const feeds = { token: 'a-secret-of-some-length', origins: ['https://a.example', 'http://b:81'] }
  expect(readConfig([], environment)).toMatchObject({ feeds })
  expect(readServingConfig({ 'feed-token': 'another-secret-of-mine' }, environment)).toMatchObject({
    feeds: { ...feeds, token: 'another-secret-of-mine' },
  })
})

test('a command that finds its databases by itself has the rest from the same variables', () => {
  expect(readServingConfig({}, {})).toEqual({
    workers: 16,
    host: '127.0.0.1',
    port: 8710,
    logLevel: null,
    drainTimeoutMs: 30_000,
    feeds: { token: null, origins: [] },
  })
  const environment = {
    FRESHET_HTTP_HOST: '0.0.0.0',
    FRESHET_HTTP_PORT: '80',
    FRESHET_LOG_LEVEL: 'info',
    FRESHET_DRAIN_TIMEOUT_MS: '5000',
  }
  expect(readServingConfig({ port: '81' }, environment)).toMatchObject({
    host: '0.0.0.0',
    port: 81,
    logLevel: 'info',
    drainTimeoutMs: 5_000,
  })
})

test.each([
  [[], {}, '--database-url (or DATABASE_URL) is missing'],
  [[], { DATABASE_URL: ' ' }, '--database-url (or DATABASE_URL) is missing'],
  [[], { DATABASE_URL: `${DATABASE_URL} ${DATABASE_URL}` }, 'the database db:5432/shop is given twice'],
  [['--workers', '0'], { DATABASE_URL }, '--workers (or FRESHET_WORKERS) is none'],
  [[], { DATABASE_URL, FRESHET_HTTP_PORT: 'http' }, '--port (or FRESHET_HTTP_PORT) is not a whole number'],
  [['--port', '65536'], { DATABASE_URL }, '--port (or FRESHET_HTTP_PORT) is above 65535'],
  [['--log-level', 'loud'], { DATABASE_URL }, '--log-level (or FRESHET_LOG_LEVEL) is not a log level'],
  [[], { DATABASE_URL, FRESHET_FEED_TOKEN: 'short' }, '--feed-token (or FRESHET_FEED_TOKEN) is shorter than 16'],
  [['--feed-token', 'a secret with spaces in it'], { DATABASE_URL }, 'has characters that a header can not carry'],
  [
    ['--feed-origins', 'https://a.example/page'],
    { DATABASE_URL },
    '--feed-origins (or FRESHET_FEED_ORIGINS) is no origin',
  ],
  [['--verbose'], { DATABASE_URL }, "Unknown option '--verbose'"],
  [['serve'], { DATABASE_URL }, 'Unexpected argument'],
  [[], { DATABASE_URL: 'mysql://db' }, 'a database URL starts with postgres://'],
])('%j %j: %s', (args, environment, message) => {
  expect(() => readConfig(args, environment)).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(message) }),
  )
})
