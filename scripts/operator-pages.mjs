/**
 * Fills the generated blocks of docs/operators: whatever stands between a marker and its end is replaced.
 *
 *   <!-- query NAME -->               the example's query
 *   <!-- plan NAME -->                its plan, as `freshet explain` prints it
 *   <!-- table NAME -->               the state tables that hold it
 *   <!-- sql NAME: part, part -->     parts of its refresh statement, by their names there
 *   <!-- reasons -->                  the codes for which a query is refreshed in full
 *   <!-- end -->
 */
import { globSync, readFileSync } from 'node:fs'
import { REASONS } from '../packages/dvm/dist/index.js'
import { compileExamples } from './operator-examples.mjs'

const BLOCK = /<!-- (query|plan|table|sql) (\w+)(?:: ([^>]+?))? -->\n[\s\S]*?<!-- end -->/g
const REASONS_BLOCK = /<!-- reasons -->\n[\s\S]*?<!-- end -->/g

/** Path → the page as it should be. */
export async function operatorPages() {
  const examples = await compileExamples()
  const shown = new Set()
  const pages = globSync('docs/operators/*.md').map((path) => {
    const text = readFileSync(path, 'utf8').replace(BLOCK, (_, kind, name, parts) => {
      const example = examples.get(name)
      if (example === undefined) throw new Error(`${path}: there is no example ${name} in operator-examples.mjs`)
      shown.add(name)
      const marker = `<!-- ${kind} ${name}${parts === undefined ? '' : `: ${parts}`} -->`
      const body = block(example, kind, parts, `${path}: ${name}`)
      return `${marker}\n\`\`\`${kind === 'plan' ? 'text' : 'sql'}\n${body}\n\`\`\`\n<!-- end -->`
    })
    return [path, text.replace(REASONS_BLOCK, () => `<!-- reasons -->\n${reasons()}\n<!-- end -->`)]
  })
  const unused = [...examples.keys()].filter((name) => !shown.has(name))
  if (unused.length > 0) throw new Error(`no page of docs/operators shows the examples ${unused.join(', ')}`)
  return Object.fromEntries(pages)
}

function block(example, kind, parts, where) {
  if (kind === 'query') return example.query
  if (kind === 'plan') return example.plan
  if (kind === 'table') return example.tables.join(';\n\n')
  const wanted = (parts ?? '').split(',').map((part) => part.trim())
  return wanted
    .map((name) => {
      const part = example.parts.get(name)
      if (part === undefined)
        throw new Error(`${where} has no part ${name}, but ${[...example.parts.keys()].join(', ')}`)
      return part.split('\n').map(broken).join('\n')
    })
    .join(',\n')
}

function reasons() {
  const rows = Object.entries(REASONS).map(([code, text]) => `| \`${code}\` | ${text} |`)
  return ['| code | why, and what to do |', '|---|---|', ...rows].join('\n')
}

const WIDTH = 120

/** A select list too long for a page gets a line for each column; nothing else is touched. */
function broken(line) {
  const [, indent, list] = /^( *)select (.+)$/.exec(line) ?? []
  if (line.length <= WIDTH || list === undefined) return line
  return `${indent}select\n${columns(list)
    .map((column) => `${indent}  ${column}`)
    .join(',\n')}`
}

/** Splits at the commas outside parentheses and quotes. */
function columns(list) {
  const found = ['']
  let depth = 0
  let quote = ''
  for (const character of list) {
    if (quote !== '') quote = character === quote ? '' : quote
    else if (character === '"' || character === "'") quote = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    if (character === ',' && depth === 0 && quote === '') found.push('')
    else found[found.length - 1] += character
  }
  return found.map((column) => column.trim())
}
