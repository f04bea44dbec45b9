/**
 * Writes the pages of `docs/` that are made from the code, or with `--check` says which of them are behind it.
 *
 *   docs/cli.md        the help of every command of apps/cli
 *   docs/errors.md     the comment, retry class and hint of each code in packages/core/src/errors.ts
 *   docs/metrics.md    the metrics of apps/scheduler/src/metrics.ts
 *   docs/retries.md    what a scheduler does by SQLSTATE: packages/coordinator/src/consequence.ts
 *   docs/settings.md   the settings of packages/core/src/settings.ts
 *   docs/operators     the marked blocks of its pages: what packages/dvm compiles of their examples
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { manual } from '../apps/cli/dist/index.js'
import { ERRORS, SETTINGS } from '../packages/core/dist/index.js'
import { retriesPage } from '../packages/coordinator/dist/index.js'
import { metricsPage } from '../apps/scheduler/dist/index.js'
import { operatorPages } from './operator-pages.mjs'

const pages = {
  'docs/cli.md': manual(),
  'docs/errors.md': errorsPage(),
  'docs/metrics.md': metricsPage(),
  'docs/retries.md': retriesPage(),
  'docs/settings.md': settingsPage(),
  ...(await operatorPages()),
}

const behind = []
for (const [path, text] of Object.entries(pages)) {
  if (process.argv.includes('--check')) {
    if (read(path) !== text) behind.push(path)
  } else {
    writeFileSync(path, text)
    console.log(`wrote ${path}`)
  }
}
if (behind.length > 0) {
  console.error(`behind the code: ${behind.join(', ')}. Run: npm run docs`)
  process.exitCode = 1
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

/** The comments are not in the built code, so they are read from the source; each code must have one. */
function errorsPage() {
  const source = readFileSync('packages/core/src/errors.ts', 'utf8')
  const list = source.slice(source.indexOf('const entries = {'), source.indexOf('} as const satisfies'))
  const lines = [
    '# Errors',
    '',
    'Every error that Freshet raises has one of these codes, a message, and usually a detail and a hint. What a server',
    'reported keeps its SQLSTATE in `sqlState`. *Retry* tells what a loop does with it:',
    '',
    '- `never`: the same call would fail again; somebody has to change something.',
    '- `retry`: transient; the same call may succeed after a short pause.',
    '- `reconnect`: the connection is gone or was never made; try again on a new one.',
    '- `definition`: the query of the stream table, or one of its sources, must change first.',
    '',
    '<!-- Made from packages/core/src/errors.ts by `npm run docs`. -->',
  ]
  const described = new Set()
  const token = /^ {2}\/\/ (.+)$|^ {2}\/\*\*([\s\S]*?)\*\/\s*([A-Z][A-Z0-9_]+):/gm
  for (const [, section, comment, code] of list.matchAll(token)) {
    if (section !== undefined) {
      lines.push('', `## ${section}`)
      continue
    }
    const { retry, hint } = ERRORS[code]
    described.add(code)
    lines.push(
      '',
      `### ${code}`,
      '',
      prose(comment),
      '',
      `*Retry:* \`${retry}\`.${hint === null ? '' : ` *Hint:* ${hint}`}`,
    )
  }
  const silent = Object.keys(ERRORS).filter((code) => !described.has(code))
  if (silent.length > 0) throw new Error(`these codes have no comment in errors.ts: ${silent.join(', ')}`)
  return `${lines.join('\n')}\n`
}

function settingsPage() {
  const lines = [
    '# Settings',
    '',
    'They belong to a database, are kept in `freshet.setting` and are read by every process that works on it. What is not',
    'stored there has its default.',
    '',
    '<!-- Made from packages/core/src/settings.ts by `npm run docs`. -->',
  ]
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const unit = setting.unit === null ? '' : ` ${setting.unit}`
    lines.push('', `## ${name}`, '', setting.description)
    lines.push('', `Takes ${setting.takes}. Default: ${setting.default}${unit}.`)
  }
  return `${lines.join('\n')}\n`
}

function prose(comment) {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*?\s?/, '').trim())
    .join(' ')
    .trim()
}
