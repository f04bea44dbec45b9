import { describe, expect, test } from 'vitest'
import { fingerprint, list } from '../ast.ts'
import { parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'
import { outcome, tree } from './expression.fixture.ts'
import { printExpression, printFromItem, printOrder, printStatement } from './expression.ts'

describe('the guard', () => {
  test.each([
    '(a and b) is null',
    '(not f) is null',
    '(a = b) like c',
    'x at time zone (a || b)',
    '(x at time zone a) || b',
    'a operator(s.<) b',
    '(array[1, 2])[1]',
    '(array[1, 2])[1:2]',
    '(a = b) = c',
    'a = (b = c)',
    '(a < b) is true',
    '- (- a)',
    '-(1)',
    '(-1)::int',
    '- 1 ^ 2',
    '(a or b) and c',
    'not (a and b)',
    'not (not a)',
    'a - (b - c)',
    'a / (b * c)',
    '(a || b) collate "C"',
    '(a collate "C") || b',
    '(a, b) = (c, d)',
    'row(a)',
    'row()',
    '((a).b).c',
    '(f(a)).b',
    `'it''s'`,
    `E'\\\\n'`,
    `U&'\\0041'`,
    `x'1f'`,
    `b'101'`,
    `1e300`,
    '12345678901234567890',
    '1.50',
    'null',
    'true',
    `'1'::pg_catalog.text`,
    `a::"char"`,
    `a::s."Strange Type"`,
    'a::varchar(3)',
    'a::int[][]',
    'a::timestamptz(3)',
    'a::interval day to second',
    `interval '1' year`,
    'a::numeric(10,2)',
    'a::bit(3)',
    'a::double precision',
    '"Strange ""Column"""',
    '"select"',
    'a."B"."c d"',
    '"таблица"',
    'current_date',
    'current_timestamp(3)',
    'json_value(a, b)',
    `json_value(j, '$.a' returning int default 1 on empty)`,
    `json_query(j, '$')`,
    `json_exists(j, '$.a')`,
    `json_object('a': b)`,
    'json_array(a, b)',
    'xmlelement(name a, b)',
    'xmlforest(a as b)',
    `xmlserialize(content a as text)`,
    'a in (select 1)',
    'exists (select)',
    '(select max(x) from t)',
    'array(select 1)',
    'a = any (select 1)',
    'f(a => 1)',
    'f(a, b := 2)',
    'sum(a) over (partition by b order by c)',
    'sum(distinct a order by a) filter (where b)',
    'grouping(a, b)',
    'coalesce(a)',
    'a is not json object',
    'normalize(a, nfc)',
    '$1',
  ])('%s', (text) => {
    expect(['printed', 'refused']).toContain(outcome(text))
  })

  test('what it had to refuse, of these', () => {
    const printed = (texts: readonly string[]) => texts.filter((text) => outcome(text) === 'printed')
    const dangerous = [
      '(a and b) is null',
      '(not f) is null',
      '(a = b) like c',
      'x at time zone (a || b)',
      'a operator(s.<) b',
      '(array[1, 2])[1]',
      `json_value(a, '$.x')`,
    ]
    expect(printed(dangerous)).toMatchInlineSnapshot(`
      [
        "(a and b) is null",
        "(not f) is null",
        "(a = b) like c",
        "x at time zone (a || b)",
        "a operator(s.<) b",
        "(array[1, 2])[1]",
        "json_value(a, '$.x')",
      ]
    `)
  })

  test('is not fooled: a tree that no text has is refused', () => {
    expect(() =>
      printExpression({
        A_Expr: {
          kind: 'AEXPR_OP',
          name: [{ String: { sval: '); drop table t; --' } }],
          lexpr: tree('a'),
          rexpr: tree('b'),
        },
      }),
    ).toThrow(Unsupported)
    expect(() => printExpression({ ColumnRef: { fields: [{ String: { sval: '' } }] } })).toThrow(Unsupported)
    expect(() => printExpression({ Nonsense: {} })).toThrow(Unsupported)
  })
})

describe('statements', () => {
  test.each([
    "values (1, null), (2, 'x')",
    'select 1 as one',
    'select a from s.t where (a and b) is null',
    'with x as (select 1) select * from x',
  ])('%s', (text) => {
    expect(fingerprint(parseSelect(printStatement(parseSelect(text))))).toBe(fingerprint(parseSelect(text)))
  })

  test.each([
    `select a from t order by a fetch first 2 rows with ties`,
    'select a from t group by distinct a, b',
    'select a::pg_catalog.text from t',
  ])('equal, or refused: %s', (text) => {
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
    const sorts = list(
      parseSelect('select from t order by a, b + 1 desc, c nulls first, d desc nulls last')['sortClause'],
    )
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
