import { expect, test } from 'vitest'
import { checkDatabaseUrl, redactUrl } from './connection-url.ts'

test.each(['postgres://u:p@h:5432/d', 'postgresql://h/d?sslmode=require', 'postgres://u@/d?host=/run/postgresql'])(
  'takes %s',
  (url) => {
    expect(checkDatabaseUrl(url)).toBe(url)
  },
)

test.each(['', '  ', 'localhost', 'mysql://u:secret@h/d', 'postgres://u:sec/ret@h:port/d'])('refuses "%s"', (url) => {
  expect(() => checkDatabaseUrl(url)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  try {
    checkDatabaseUrl(url)
  } catch (error) {
    expect(JSON.stringify(error)).not.toMatch(/sec/)
  }
})

test('a shown URL has no password', () => {
  expect(redactUrl('postgres://u:secret@h:5432/d?sslmode=require')).toBe('postgres://u:***@h:5432/d?sslmode=require')
  expect(redactUrl('postgres://h/d?user=u&password=secret')).not.toContain('secret')
  expect(redactUrl('u:secret@h')).not.toContain('secret')
})
