import { beforeAll, expect, test } from 'vitest'
import { relationKey } from './facts.ts'
import { loadParser } from './parse.ts'
import { renameRelations, type RenamedRelation } from './rename-relations.ts'

beforeAll(loadParser)

const columns = (before: readonly string[], now: readonly (readonly [string, number | null])[]) => ({
  columnsBefore: before,
  columns: now.map(([name, position]) => ({ name, before: position })),
})

const same = columns(
  ['id', 'v'],
  [
    ['id', 0],
    ['v', 1],
  ],
)
const renamed = (relation: Partial<RenamedRelation>) =>
  new Map([[relationKey('public', 't'), { schema: 'public', table: 't', ...same, ...relation }]])

test('a renamed relation keeps its old name as an alias', () => {
  expect(renameRelations('SELECT t.v FROM public.t', renamed({ table: 'u' }))).toBe('SELECT t.v FROM public.u t')
  expect(renameRelations('SELECT a.v FROM public.t a', renamed({ schema: 'Other' }))).toBe(
    'SELECT a.v FROM "Other".t a',
  )
})

test('renamed columns keep their old names, and new ones get out of their way', () => {
  const relation = columns(
    ['id', 'v', 'w'],
    [
      ['id', 0],
      ['x', 1],
      ['v', null],
      ['id_2', null],
    ],
  )
  expect(renameRelations('SELECT t.v FROM public.t WHERE t.id > 1', renamed(relation))).toBe(
    'SELECT t.v FROM public.t t(id, v, v_2, id_2) WHERE t.id > 1',
  )
})

test('aliases that are there already stay, each with its column', () => {
  const relation = columns(
    ['id', 'gone', 'v'],
    [
      ['id', 0],
      ['x', 2],
    ],
  )
  expect(renameRelations('SELECT a.c FROM public.t a(a, b, c)', renamed(relation))).toBe(
    'SELECT a.c FROM public.t a(a, c)',
  )
})

test('every place, in joins, subqueries, common table expressions and set operations; bytes are not characters', () => {
  const query = `WITH c AS ( SELECT t.v FROM public.t ) SELECT 'é😀'::text AS e, t.v FROM (ONLY public.t JOIN public."T" b ON true)
    WHERE t.v IN ( SELECT t_1.v FROM public.t t_1 ) UNION ALL SELECT 'public.t', c.v FROM c`
  expect(renameRelations(query, renamed({ table: 'ü' }))).toBe(
    query
      .replace('FROM public.t )', 'FROM public."ü" t )')
      .replace('ONLY public.t ', 'ONLY public."ü" t ')
      .replace('public.t t_1', 'public."ü" t_1'),
  )
})
