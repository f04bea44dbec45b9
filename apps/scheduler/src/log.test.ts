import { FreshetError } from '@freshet/core'
import { expect, test } from 'vitest'
import { createLogger, logEvent } from './log.ts'

function logged() {
  const lines: string[] = []
  const logger = createLogger('debug', { write: (line) => void lines.push(line) })
  return { logger, lines }
}

test('no password reaches the log, whatever it hides in', () => {
  const { logger, lines } = logged()
  const url = 'postgres://me:hunter2@db:5432/shop?sslmode=require'
  logger.info({ databaseUrl: url, nested: { password: 'hunter2' }, text: `to ${url}` }, `connecting to ${url}`)
  logEvent(logger, {
    kind: 'interrupted',
    error: new FreshetError('CONNECTION_REFUSED', `can not connect to ${url}`),
    retryInMs: 100,
  })
  expect(lines.join('')).not.toContain('hunter2')
  expect(lines.join('')).toContain('postgres://me:***@db:5432/shop?sslmode=require')
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('time')
})

test('a failure carries its code and SQLSTATE', () => {
  const { logger, lines } = logged()
  const error = new FreshetError('QUERY_FAILED', 'division by zero', { sqlState: '22012' })
  logEvent(logger, {
    kind: 'failed',
    table: { id: 1, name: 'public.a' },
    error,
    consecutiveErrors: 2,
    retryInMs: 1_000,
  })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    table: 'public.a',
    msg: 'refresh failed',
    error: { code: 'QUERY_FAILED', sqlState: '22012', message: 'division by zero' },
  })
})
