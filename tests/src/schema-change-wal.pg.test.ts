import { test } from 'vitest'
import { LONG } from './length.ts'
import { expectFollowed } from './schema-change-law.ts'
import { type Case, WAL_CASES } from './schema-changes.ts'

/** The same changes of shape where sources are captured by WAL; every day those that the stream is most likely to get wrong. */
const EVERYDAY = [
  'a column is renamed, and another takes its name',
  'a table is renamed, and another takes its name',
  'a table is dropped and made again',
  'the replica identity is taken away',
  'more columns are captured, for another stream table',
]

const cases: readonly Case[] = LONG
  ? WAL_CASES
  : EVERYDAY.map((name) => {
      const found = WAL_CASES.find((each) => each.name === name)
      if (found === undefined) throw new Error(`there is no case ${name}`)
      return found
    })

test.each(cases)('captured by WAL: $name', { timeout: 60_000 }, (change) => expectFollowed(change, 'wal'))
