import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { as, fingerprint, isObject, list, type Ast } from '../ast.ts'
import { loadParser, parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'
import { printExpression, printFromItem, printOrder, printStatement } from './expression.ts'

await loadParser()

/** The tree of an expression. */
function tree(text: string): Ast {
  const value = as('ResTarget', list(parseSelect(`select ${text}`)['targetList'])[0])?.['val']
  if (!isObject(value)) throw new Error(`no expression: ${text}`)
  return value
}

/** Printed to an equal tree, or refused by the guard; anything else is a fault. */
function outcome(text: string): 'printed' | 'refused' {
  const expression = tree(text)
  try {
    const printed = printExpression(expression)
    if (fingerprint(tree(printed)) !== fingerprint(expression)) throw new Error(`${text} became ${printed}`)
    return 'printed'
  } catch (error) {
    if (error instanceof Unsupported && error.reason === 'PRINTER_GUARD') return 'refused'
    throw error
  }
}

const UNARY = [
  '- %', '+ %', 'not %', '@ %', '~ %', '% is null', '% is not null', '% is true', '% is not false', '% is unknown', '% collate "C"',
  '%::text', 'cast(% as numeric(10,2))', '%::int[]', '(%)[1]', '(%)[1:2]', '(%).field', 'f(%)', 's.f(a, %)', 'coalesce(a, %)', 'greatest(%, b)',
  'nullif(%, a)', 'array[%, a]', 'row(%, a)', '(%, a)', 'case when % then a else b end', 'case % when a then b end', 'case when a then % end',
  `% at time zone 'utc'`, 'extract(year from %)', 'position(a in %)', 'substring(% from 2 for 3)', 'trim(both a from %)', 'overlay(% placing a from 1)',
  'sum(%)', 'count(distinct %)', 'sum(a) filter (where %)', 'string_agg(a, b order by %)', 'percentile_cont(0.5) within group (order by %)',
  'f(variadic %)', '% is normalized', '% is document', '% is json',
]
const BINARY = [
  '% + %', '% - %', '% * %', '% / %', '% % %'.replace('% % %', '%1 %% %2'), '% ^ %', '% || %', '% = %', '% <> %', '% < %', '% > %', '% <= %', '% >= %', '% and %', '% or %',
  '% like %', '% not like %', '% ilike %', '% similar to %', '% ~ %', '% !~* %', '% -> %', '% ->> %', '% #> %', '% @> %', '% && %', '% <-> %', '% & %', '% | %', '% << %',
  '% is distinct from %', '% is not distinct from %', '% in (%, a)', '% not in (%, a)', '% between % and a', '% not between a and %', '% between symmetric % and a',
  '% = any (%)', '% <> all (%)', '% operator(pg_catalog.+) %', '% operator(s.<) %', '% at time zone %', '% like % escape a', 'a between % and %', '(%, a) = (%, b)', '(%, a) overlaps (%, b)',
]

/** Puts operands, in parentheses, into the places of a template. */
function fill(template: string, operands: readonly string[]): string {
  let next = 0
  return template.replaceAll(/%%|%[12]?/g, (place) => (place === '%%' ? '%' : `(${operands[next++] ?? 'c'})`))
}

const places = (template: string) => (template.replaceAll('%%', '').match(/%/g) ?? []).length
const ALL = [...UNARY, ...BINARY]

describe('the guard', () => {
  test.each([
    '(a and b) is null', '(not f) is null', '(a = b) like c', 'x at time zone (a || b)', '(x at time zone a) || b', 'a operator(s.<) b', '(array[1, 2])[1]', '(array[1, 2])[1:2]',
    '(a = b) = c', 'a = (b = c)', '(a < b) is true', '- (- a)', '-(1)', '(-1)::int', '- 1 ^ 2', '(a or b) and c', 'not (a and b)', 'not (not a)', 'a - (b - c)', 'a / (b * c)', '(a || b) collate "C"',
    '(a collate "C") || b', '(a, b) = (c, d)', 'row(a)', 'row()', '((a).b).c', '(f(a)).b', `'it''s'`, `E'\\\\n'`, `U&'\\0041'`, `x'1f'`, `b'101'`, `1e300`, '12345678901234567890', '1.50', 'null', 'true',
    `'1'::pg_catalog.text`, `a::"char"`, `a::s."Strange Type"`, 'a::varchar(3)', 'a::int[][]', 'a::timestamptz(3)', 'a::interval day to second', `interval '1' year`, 'a::numeric(10,2)', 'a::bit(3)', 'a::double precision',
    '"Strange ""Column"""', '"select"', 'a."B"."c d"', '"таблица"', 'current_date', 'current_timestamp(3)', 'json_value(a, b)', `json_value(j, '$.a' returning int default 1 on empty)`, `json_query(j, '$')`, `json_exists(j, '$.a')`,
    `json_object('a': b)`, 'json_array(a, b)', 'xmlelement(name a, b)', 'xmlforest(a as b)', `xmlserialize(content a as text)`, 'a in (select 1)', 'exists (select)', '(select max(x) from t)', 'array(select 1)', 'a = any (select 1)', 'f(a => 1)', 'f(a, b := 2)',
    'sum(a) over (partition by b order by c)', 'sum(distinct a order by a) filter (where b)', 'grouping(a, b)', 'coalesce(a)', 'a is not json object', 'normalize(a, nfc)', '$1',
  ])('%s', (text) => {
    expect(['printed', 'refused']).toContain(outcome(text))
  })

  test('what it had to refuse, of these', () => {
    const printed = (texts: readonly string[]) => texts.filter((text) => outcome(text) === 'printed')
    const dangerous = ['(a and b) is null', '(not f) is null', '(a = b) like c', 'x at time zone (a || b)', 'a operator(s.<) b', '(array[1, 2])[1]', `json_value(a, '$.x')`]
    expect(printed(dangerous)).toMatchInlineSnapshot(`
      [
        "(a and b) is null",
        "(not f) is null",
        "(a = b) like c",
        "x at time zone (a || b)",
        "a operator(s.<) b",
        "(array[1, 2])[1]",
      ]
    `)
  })

  test('is not fooled: a tree that no text has is refused', () => {
    expect(() => printExpression({ A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '); drop table t; --' } }], lexpr: tree('a'), rexpr: tree('b') } })).toThrow(Unsupported)
    expect(() => printExpression({ ColumnRef: { fields: [{ String: { sval: '' } }] } })).toThrow(Unsupported)
    expect(() => printExpression({ Nonsense: {} })).toThrow(Unsupported)
  })
})

test('every operator within every other, in every place', () => {
  const refused: string[] = []
  let pairs = 0
  for (const outer of ALL) {
    for (let place = 0; place < places(outer); place++) {
      for (const inner of ALL) {
        const operands = Array.from({ length: places(outer) }, (_, i) => (i === place ? fill(inner, ['p', 'q']) : 'r'))
        const text = fill(outer, operands)
        pairs++
        if (outcome(text) === 'refused') refused.push(text)
      }
    }
  }
  expect(pairs).toBeGreaterThan(5_000)
  expect(refused).toEqual([])
}, 60_000)

test('random expressions, nested deep', () => {
  const leaf = fc.constantFrom('a', 'b.c', '1', '-2.5', `'x'`, 'null', 'true', '"Odd ""name"""', 'now()')
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      ...ALL.map((template) => fc.array(tie('expression'), { minLength: places(template), maxLength: places(template) }).map((operands) => fill(template, operands))),
    ),
  }))
  fc.assert(
    fc.property(expression, (text) => {
      outcome(text)
    }),
    { numRuns: 2_000 },
  )
}, 60_000)

describe('statements', () => {
  test.each(['values (1, null), (2, \'x\')', 'select 1 as one', 'select a from s.t where (a and b) is null', 'with x as (select 1) select * from x'])('%s', (text) => {
    expect(fingerprint(parseSelect(printStatement(parseSelect(text))))).toBe(fingerprint(parseSelect(text)))
  })

  test.each([`select a from t order by a fetch first 2 rows with ties`, 'select a from t group by distinct a, b', 'select a::pg_catalog.text from t'])('equal, or refused: %s', (text) => {
    const select = parseSelect(text)
    try {
      expect(fingerprint(parseSelect(printStatement(select)))).toBe(fingerprint(select))
    } catch (error) {
      expect(error).toMatchObject({ reason: 'PRINTER_GUARD' })
    }
  })

  test('calls in FROM, and ORDER BY', () => {
    const [item] = list(parseSelect('select from generate_series(1, a + 1) with ordinality as g(x, n)')['fromClause'])
    expect(printFromItem(item ?? {})).toMatchInlineSnapshot(`"generate_series(1, (a + 1)) WITH ORDINALITY AS g(x, n)"`)
    const sorts = list(parseSelect('select from t order by a, b + 1 desc, c nulls first, d desc nulls last')['sortClause'])
    expect(sorts.map(printOrder)).toMatchInlineSnapshot(`
      [
        "a",
        "(b + 1) desc",
        "c nulls first",
        "d desc nulls last",
      ]
    `)
    const [using] = list(parseSelect('select from t order by a using operator(s.<)')['sortClause'])
    expect(() => printOrder(using ?? {})).toThrow('USING')
  })
})
