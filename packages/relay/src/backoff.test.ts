import fc from 'fast-check'
import { expect, test } from 'vitest'
import { breaker, pauseMs } from './backoff.ts'

test('pauses: 100 ms, twice as long each time, 30 s at most, ± 20 %', () => {
  expect([1, 2, 3, 8, 9, 10, 50].map((failures) => pauseMs(failures, 0.5))).toEqual([
    100, 200, 400, 12_800, 25_600, 30_000, 30_000,
  ])
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const middle = Math.min(100 * 2 ** (failures - 1), 30_000)
      const pause = pauseMs(failures, random)
      expect(pause).toBeGreaterThanOrEqual(middle * 0.8 - 1e-6)
      expect(pause).toBeLessThanOrEqual(middle * 1.2 + 1e-6)
    }),
  )
})

test('the circuit opens after so many failures, is tried, and closes', () => {
  const circuit = breaker(3, () => 0.5)
  expect([circuit.failed(false), circuit.circuit]).toEqual([100, 'closed'])
  circuit.trying()
  expect([circuit.failed(false), circuit.circuit]).toEqual([200, 'closed'])
  circuit.succeeded()
  for (let i = 0; i < 3; i++) circuit.failed(false)
  expect(circuit.circuit).toBe('open')
  circuit.trying()
  expect(circuit.circuit).toBe('half open')
  expect([circuit.failed(false), circuit.circuit]).toEqual([800, 'open'])
  circuit.trying()
  circuit.succeeded()
  expect(circuit.circuit).toBe('closed')
  expect([circuit.failed(true), circuit.circuit]).toEqual([30_000, 'open'])
})
