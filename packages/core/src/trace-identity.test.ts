import { expect, test } from 'vitest'
import { refreshTrace } from './trace-identity.ts'

test('the identity is written down: other versions and other languages derive the same', () => {
  expect(refreshTrace('0123456789abcdef', '42')).toEqual({
    traceId: '7c6f0b361502f067cdd528091cc222ba',
    spanId: '26e4632a01694416',
  })
})

test('another refresh, or another database, is another trace', () => {
  const pairs = ['a', 'b'].flatMap((word) => ['1', '2', '12'].map((id) => refreshTrace(word, id)))
  expect(new Set(pairs.map(({ traceId }) => traceId)).size).toBe(6)
  expect(new Set(pairs.map(({ spanId }) => spanId)).size).toBe(6)
  for (const { traceId, spanId } of pairs) {
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(spanId).toMatch(/^[0-9a-f]{16}$/)
  }
})
