import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Dump, DUMP_FORMAT, parseDump } from './dump-document.ts'
import { writeDumpScript } from './dump-script.ts'

const document = (queries: readonly string[]): Dump => ({
  format: DUMP_FORMAT,
  takenAt: '2026-01-02T03:04:05Z',
  database: 'shop',
  server: '18.4',
  schemaVersion: 7,
  settings: { enabled: false, 'a name': 'with "quotes"\nand lines' },
  pausedSources: [{ schema: 'public', table: 'or"ders' }],
  walSources: [{ schema: 'public', table: 'or"ders' }],
  streamTables: queries.map((query, i) => ({
    schema: 'public',
    table: `t${i}`,
    query,
    definition: ` ${query}`,
    mode: 'auto',
    schedule: 'live',
    fuse: null,
    slaMs: null,
    tier: 'hot',
    atomic: null,
    output: null,
    sessionSettings: { TimeZone: 'UTC' },
    state: { status: 'active', reason: null, refreshedAt: null },
  })),
})

test('the queries stand in it as they were written', () => {
  const script = writeDumpScript(document(['select 1 -- the last\n  as a', 'select 2']))
  expect(script.replaceAll(/[0-9a-f]{8} \{.*\}/g, 'MARK {…}')).toBe(`-- freshet dump 1
-- freshet MARK {…}

-- freshet MARK {…}
select 1 -- the last
  as a
;

-- freshet MARK {…}
select 2
;
`)
})

test('whatever is in a query, the document comes back', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '\n',
      '\n;\n',
      ';',
      '-- freshet ',
      '-- freshet 01234567 {}\n',
      '\r\n',
      'select 1',
      '\n-- freshet dump 1\n',
      '\\',
    ),
  )
  const query = fc.array(piece, { minLength: 1 }).map((pieces) => `select ${pieces.join('')}`)
  fc.assert(
    fc.property(fc.array(query), (queries) => {
      const whole = document(queries)
      expect(parseDump(writeDumpScript(whole))).toEqual(whole)
      // a query that holds the script of another dump
      const nested = document([...queries, writeDumpScript(whole)])
      expect(parseDump(writeDumpScript(nested))).toEqual(nested)
    }),
  )
})

describe('refused', () => {
  const script = writeDumpScript(document(['select 1']))
  test.each([
    ['no entry', '-- freshet dump 1\n'],
    ['a comment that is no JSON', script.replace('"mode":', 'mode:')],
    ['a mode that there is not', script.replace('"mode":"auto"', '"mode":"sometimes"')],
    ['a query without its end', script.replace('\n;\n', '')],
    ['neither SQL nor JSON', 'select 1'],
  ])('%s', (_, text) => {
    expect(() => parseDump(text)).toThrow(expect.objectContaining({ code: 'INVALID_DUMP' }))
  })
})
