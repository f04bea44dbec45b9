import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CAPABILITIES, isCapable, isUntested, missingOf, OLDEST_CITUS, TESTED_CITUS } from './capabilities.ts'

describe('versions of Citus', () => {
  test('without Citus there is nothing to refuse', () => expect(isCapable(null)).toBe(false))

  test.each(['12.0-1', '12.1-1', '13.0-1', '14.0-1', '14.1', '15.0devel-1', '120.0-1'])('%s has all', (version) => {
    expect(isCapable(version)).toBe(true)
    expect(missingOf(version)).toEqual([])
  })

  test.each(['11.3-1', '11.0-4', '10.2-5', '9.5-1', '8.0-13', 'unknown'])('%s is refused', (version) => {
    expect(() => isCapable(version)).toThrow(
      expect.objectContaining({ code: 'CITUS_TOO_OLD', detail: expect.stringContaining('since 12.0') as unknown }),
    )
  })

  test('what is missing depends on the version', () => {
    const sinces = (version: string) => missingOf(version).map(({ since }) => since)
    expect(sinces('11.3-1')).toEqual(['12.0'])
    expect(sinces('10.2-5')).toEqual(['11.0', '11.0', '11.0', '12.0'])
    expect(OLDEST_CITUS).toBe('12.0')
  })

  test('older than what the tests run on', () => {
    expect(isUntested('13.2-1')).toBe(true)
    expect(isUntested(`${TESTED_CITUS}-1`)).toBe(false)
  })

  test('the tutorial shows the same', () => {
    const page = readFileSync(new URL('../../../../docs/tutorials/citus.md', import.meta.url), 'utf8')
    for (const { name, since, serves } of CAPABILITIES) expect(page).toContain(`| ${since} | ${name} | ${serves} |`)
    expect(page).toContain(`Citus ${OLDEST_CITUS} or later`)
  })
})
