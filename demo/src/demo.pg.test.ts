import { expect, it, vi } from 'vitest'
import { demo } from './demo.ts'

it('plays from its beginning to its end, and every stream table equals its query', async () => {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  try {
    const signals = { stop: new AbortController(), hurry: new AbortController().signal }
    expect(await demo({ seconds: 2, rowsPerSecond: 300 }, signals)).toBe(0)
  } finally {
    log.mockRestore()
  }
  const said = lines.join('\n')
  expect(said).toMatch(/dashboard: http:\/\/127\.0\.0\.1:\d+/)
  expect(said).toMatch(/rows written\s+\d+ inserted/)
  expect(said).toContain('✔ all 14 stream tables equal their queries')
})
