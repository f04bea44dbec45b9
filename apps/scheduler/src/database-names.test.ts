import { expect, test } from 'vitest'
import { nameDatabases, splitUrls } from './database-names.ts'

const named = (...urls: string[]) => nameDatabases(urls).map(({ name }) => name)

test('a database is called by its name, and by its place too where that is not enough', () => {
  expect(named('postgres://me:secret@db/shop', 'postgres://me@db/bank')).toEqual(['shop', 'bank'])
  expect(named('postgres://a/shop', 'postgres://b:6432/shop', 'postgres://b/bank')).toEqual([
    'a:5432/shop',
    'b:6432/shop',
    'bank',
  ])
  expect(named('postgres://me@/my%20shop', 'postgres://me@db')).toEqual(['my shop', 'me'])
})

test('the same one twice is refused, without its password', () => {
  const twice = () => nameDatabases(['postgres://me:secret@db/shop', 'postgres://you:secret@db:5432/shop'])
  expect(twice).toThrow(expect.objectContaining({ code: 'USAGE', message: 'the database db:5432/shop is given twice' }))
  expect(() => nameDatabases(['mysql://db'])).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

test('several URLs in one text', () => {
  expect(splitUrls('  postgres://a/x\n postgres://b/y ')).toEqual(['postgres://a/x', 'postgres://b/y'])
  expect(splitUrls('')).toEqual([])
})
