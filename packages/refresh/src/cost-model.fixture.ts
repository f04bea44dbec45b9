import fc from 'fast-check'
import type { Observation } from './cost-model.ts'

/** Any past of a stream table. */
const ms = fc.double({ min: 0, max: 1e6, noNaN: true })
const rows = fc.integer({ min: 0, max: 1e8 })

export const observations: fc.Arbitrary<readonly Observation[]> = fc.array(
  fc.oneof(
    fc.record({ action: fc.constant('differential' as const), ms, changeRows: rows }),
    fc.record({ action: fc.constant('fill' as const), ms, sourceRows: fc.option(rows) }),
    fc.record({
      action: fc.constant('full' as const),
      ms,
      sourceRows: fc.option(rows),
      preferredAt: fc.option(rows),
    }),
  ),
  { maxLength: 40 },
)
