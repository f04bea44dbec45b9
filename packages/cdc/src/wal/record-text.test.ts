import { expect, test } from 'vitest'
import { arrayOfRecords, recordText } from './record-text.ts'

/** That PostgreSQL reads it as what it was, for values of every kind, is shown in wal-types.pg.test.ts. */
const text = (...values: readonly (string | null)[]) => arrayOfRecords([recordText(values)])

test('a null is nothing, an empty text is quoted, plain values are bare', () => {
  expect(text(null, '', '1.5', '-0', '2024-01-01', 'été', 'a b')).toBe(
    String.raw`{"(,\"\",1.5,-0,2024-01-01,\"été\",\"a b\")"}`,
  )
  expect(text()).toBe('{"()"}')
})

test('quotes and backslashes are escaped once for the record and once more for the array', () => {
  const record = recordText([String.raw`a"b\c`, '(,)', 'NULL', '$&'])
  expect(arrayOfRecords([record, recordText([])])).toBe(String.raw`{"(\"a\\\"b\\\\c\",\"(,)\",NULL,\"$&\")","()"}`)
})
