import { expect, test } from 'vitest'
import { as, isObject, list } from '../ast.ts'
import { loadParser, parseSelect } from '../parse.ts'
import { printExpression, printFromItem } from './expression.ts'

await loadParser()

/** The printer compares what it prints with the tree; here it must also be what a person would write. */
test.each([
  `JSON_VALUE(a, '$."k"' RETURNING int)`,
  `JSON_VALUE(a, '$.k' PASSING 1 AS x, (b + 1) AS "Y" RETURNING text DEFAULT 'no' ON EMPTY ERROR ON ERROR)`,
  `JSON_QUERY(a, '$.k' WITH UNCONDITIONAL WRAPPER)`,
  `JSON_QUERY(a, '$.k' RETURNING jsonb WITHOUT WRAPPER KEEP QUOTES EMPTY ARRAY ON EMPTY)`,
  `JSON_EXISTS(a FORMAT JSON, '$.k' UNKNOWN ON ERROR)`,
])('%s', (text) => {
  const target = as('ResTarget', list(parseSelect(`select ${text}`)['targetList'])[0])?.['val']
  expect(isObject(target) && printExpression(target)).toBe(text)
})

test.each([
  `XMLTABLE(XMLNAMESPACES(('http://x') AS "N"), ('/r/i') PASSING (t.x) COLUMNS n FOR ORDINALITY, q int PATH ('@q') DEFAULT ((1 + 1)) NOT NULL, "V w" text) AS x(a, b, c)`,
  `LATERAL JSON_TABLE(t.j, '$.i[*]' AS p PASSING 1 AS one COLUMNS (n FOR ORDINALITY, q int PATH '$.q' DEFAULT 0 ON EMPTY NULL ON ERROR, e boolean EXISTS PATH '$.e', f jsonb FORMAT JSON PATH '$.f' WITH CONDITIONAL WRAPPER OMIT QUOTES, NESTED PATH '$.a[*]' AS c COLUMNS (z text PATH '$')) EMPTY ARRAY ON ERROR) AS j`,
])('%s', (text) => {
  const [, item] = list(parseSelect(`select from t, ${text}`)['fromClause'])
  expect(printFromItem(item ?? {})).toBe(text)
})
