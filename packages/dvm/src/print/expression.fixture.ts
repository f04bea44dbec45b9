import { as, fingerprint, isObject, list, type Ast } from '../ast.ts'
import { loadParser, parseSelect } from '../parse.ts'
import { Unsupported } from '../unsupported.ts'
import { printExpression } from './expression.ts'

/** Expressions to print: every operator and construct as a template, `%` being the place of an operand. */
await loadParser()

/** The tree of an expression. */
export function tree(text: string): Ast {
  const value = as('ResTarget', list(parseSelect(`select ${text}`)['targetList'])[0])?.['val']
  if (!isObject(value)) throw new Error(`no expression: ${text}`)
  return value
}

/** Printed to an equal tree, or refused by the guard; anything else is a fault. */
export function outcome(text: string): 'printed' | 'refused' {
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
  '- %',
  '+ %',
  'not %',
  '@ %',
  '~ %',
  '% is null',
  '% is not null',
  '% is true',
  '% is not false',
  '% is unknown',
  '% collate "C"',
  '%::text',
  'cast(% as numeric(10,2))',
  '%::int[]',
  '(%)[1]',
  '(%)[1:2]',
  '(%).field',
  'f(%)',
  's.f(a, %)',
  'coalesce(a, %)',
  'greatest(%, b)',
  'nullif(%, a)',
  'array[%, a]',
  'row(%, a)',
  '(%, a)',
  'case when % then a else b end',
  'case % when a then b end',
  'case when a then % end',
  `% at time zone 'utc'`,
  'extract(year from %)',
  'position(a in %)',
  'substring(% from 2 for 3)',
  'trim(both a from %)',
  'overlay(% placing a from 1)',
  'sum(%)',
  'count(distinct %)',
  'sum(a) filter (where %)',
  'string_agg(a, b order by %)',
  'percentile_cont(0.5) within group (order by %)',
  'f(variadic %)',
  '% is normalized',
  '% is document',
  '% is json',
]
const BINARY = [
  '% + %',
  '% - %',
  '% * %',
  '% / %',
  '% % %'.replace('% % %', '%1 %% %2'),
  '% ^ %',
  '% || %',
  '% = %',
  '% <> %',
  '% < %',
  '% > %',
  '% <= %',
  '% >= %',
  '% and %',
  '% or %',
  '% like %',
  '% not like %',
  '% ilike %',
  '% similar to %',
  '% ~ %',
  '% !~* %',
  '% -> %',
  '% ->> %',
  '% #> %',
  '% @> %',
  '% && %',
  '% <-> %',
  '% & %',
  '% | %',
  '% << %',
  '% is distinct from %',
  '% is not distinct from %',
  '% in (%, a)',
  '% not in (%, a)',
  '% between % and a',
  '% not between a and %',
  '% between symmetric % and a',
  '% = any (%)',
  '% <> all (%)',
  '% operator(pg_catalog.+) %',
  '% operator(s.<) %',
  '% at time zone %',
  '% like % escape a',
  'a between % and %',
  '(%, a) = (%, b)',
  '(%, a) overlaps (%, b)',
]

/** Puts operands, in parentheses, into the places of a template. */
export function fill(template: string, operands: readonly string[]): string {
  let next = 0
  return template.replaceAll(/%%|%[12]?/g, (place) => (place === '%%' ? '%' : `(${operands[next++] ?? 'c'})`))
}

export const places = (template: string) => (template.replaceAll('%%', '').match(/%/g) ?? []).length
export const ALL = [...UNARY, ...BINARY]
