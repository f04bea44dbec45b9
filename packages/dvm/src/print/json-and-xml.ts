import { quoteIdentifier, quoteLiteral } from '@freshet/core'

import { as, isObject, list, text, type Ast, type JsonObject } from '../ast.ts'

/**
 * What the stock deparser leaves out or prints wrongly: JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_TABLE and XMLTABLE.
 * The guard compares their print with the tree, as it does for everything.
 */
export type Print = (node: Ast) => string

/** JSON_VALUE(…), JSON_QUERY(…), JSON_EXISTS(…). */
export function jsonFunction(body: JsonObject, print: Print): string {
  const name = text(body['op']).replace(/_OP$/, '')
  const path = isObject(body['pathspec']) ? print(body['pathspec']) : ''
  return `${name}(${words(
    `${jsonValue(body['context_item'], print)}, ${path}`,
    passing(body, print),
    returning(body['output'], print),
    details(body, print),
  )})`
}

/** JSON_TABLE(…), without its alias. */
export function jsonTable(body: JsonObject, print: Print): string {
  return `JSON_TABLE(${words(
    `${jsonValue(body['context_item'], print)}, ${path(body['pathspec'], print)}`,
    passing(body, print),
    jsonColumns(body, print),
    behavior(body['on_error'], 'ON ERROR', print),
  )})`
}

/** XMLTABLE(…), without its alias. */
export function xmlTable(body: JsonObject, print: Print): string {
  const part = (node: JsonObject['x']) => (isObject(node) ? `(${print(node)})` : '')
  const spaces = list(body['namespaces']).map((node) => {
    const target = as('ResTarget', node) ?? {}
    const name = typeof target['name'] === 'string' ? ` AS ${quoteIdentifier(target['name'])}` : ''
    return `${name === '' ? 'DEFAULT ' : ''}${part(target['val'])}${name}`
  })
  const columns = list(body['columns']).map((node) => {
    const column = as('RangeTableFuncCol', node) ?? {}
    const name = quoteIdentifier(text(column['colname']))
    if (column['for_ordinality'] === true) return `${name} FOR ORDINALITY`
    return words(
      name,
      typeName(column['typeName'], print),
      isObject(column['colexpr']) ? `PATH ${part(column['colexpr'])}` : '',
      isObject(column['coldefexpr']) ? `DEFAULT ${part(column['coldefexpr'])}` : '',
      column['is_not_null'] === true ? 'NOT NULL' : '',
    )
  })
  const declared = spaces.length === 0 ? '' : `XMLNAMESPACES(${spaces.join(', ')}),`
  return `XMLTABLE(${words(
    declared,
    part(body['rowexpr']),
    `PASSING ${part(body['docexpr'])}`,
    `COLUMNS ${columns.join(', ')}`,
  )})`
}

/** Names of the columns that JSON_TABLE or XMLTABLE gives, nested ones included. */
export function declaredColumns(columns: readonly Ast[]): readonly string[] {
  return columns.flatMap((node) => {
    const json = as('JsonTableColumn', node)
    if (json?.['coltype'] === 'JTC_NESTED') return declaredColumns(list(json['columns']))
    return json === undefined ? text(as('RangeTableFuncCol', node)?.['colname']) : text(json['name'])
  })
}

function jsonColumns(body: JsonObject, print: Print): string {
  const columns = list(body['columns']).map((node) => {
    const column = as('JsonTableColumn', node) ?? {}
    const name = quoteIdentifier(text(column['name']))
    const type = typeName(column['typeName'], print)
    const at = isObject(column['pathspec']) ? `PATH ${path(column['pathspec'], print)}` : ''
    switch (column['coltype']) {
      case 'JTC_FOR_ORDINALITY':
        return `${name} FOR ORDINALITY`
      case 'JTC_NESTED':
        return words('NESTED', at, jsonColumns(column, print))
      case 'JTC_EXISTS':
        return words(name, type, 'EXISTS', at, behavior(column['on_error'], 'ON ERROR', print))
      case 'JTC_FORMATTED':
        return words(name, type, 'FORMAT JSON', at, details(column, print))
      default:
        return words(name, type, at, details(column, print))
    }
  })
  return `COLUMNS (${columns.join(', ')})`
}

/** What is the same for all: wrapper, quotes, and what an empty result or an error gives. */
function details(body: JsonObject, print: Print): string {
  return words(
    WRAPPERS[text(body['wrapper'])] ?? '',
    QUOTES[text(body['quotes'])] ?? '',
    behavior(body['on_empty'], 'ON EMPTY', print),
    behavior(body['on_error'], 'ON ERROR', print),
  )
}

const WRAPPERS: Readonly<Record<string, string>> = {
  JSW_NONE: 'WITHOUT WRAPPER',
  JSW_CONDITIONAL: 'WITH CONDITIONAL WRAPPER',
  JSW_UNCONDITIONAL: 'WITH UNCONDITIONAL WRAPPER',
}

const QUOTES: Readonly<Record<string, string>> = { JS_QUOTES_KEEP: 'KEEP QUOTES', JS_QUOTES_OMIT: 'OMIT QUOTES' }

function behavior(value: JsonObject['x'], when: string, print: Print): string {
  if (!isObject(value)) return ''
  const kind = text(value['btype'])
    .replace(/^JSON_BEHAVIOR_/, '')
    .replaceAll('_', ' ')
  const expression = isObject(value['expr']) ? ` ${print(value['expr'])}` : ''
  return `${kind}${kind === 'DEFAULT' ? expression : ''} ${when}`
}

function path(value: JsonObject['x'], print: Print): string {
  const spec = isObject(value) ? value : {}
  const name = typeof spec['name'] === 'string' ? `AS ${quoteIdentifier(spec['name'])}` : ''
  const string = isObject(spec['string']) ? spec['string'] : {}
  const sval = as('A_Const', string)?.['sval']
  return words(isObject(sval) ? quoteLiteral(text(sval['sval'])) : print(string), name)
}

function passing(body: JsonObject, print: Print): string {
  const args = list(body['passing']).map((node) => {
    const argument = as('JsonArgument', node) ?? {}
    return `${jsonValue(argument['val'], print)} AS ${quoteIdentifier(text(argument['name']))}`
  })
  return args.length === 0 ? '' : `PASSING ${args.join(', ')}`
}

function jsonValue(value: JsonObject['x'], print: Print): string {
  const body = isObject(value) ? value : {}
  return words(isObject(body['raw_expr']) ? print(body['raw_expr']) : '', format(body['format']))
}

function returning(value: JsonObject['x'], print: Print): string {
  if (!isObject(value)) return ''
  const inner = isObject(value['returning']) ? value['returning'] : {}
  return words('RETURNING', typeName(value['typeName'], print), format(inner['format']))
}

function format(value: JsonObject['x']): string {
  const type = isObject(value) ? value['format_type'] : undefined
  return type === 'JS_FORMAT_JSON' ? 'FORMAT JSON' : ''
}

function typeName(value: JsonObject['x'], print: Print): string {
  return isObject(value) ? print({ TypeName: value }) : ''
}

function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ')
}
