/**
 * Every gate but the tests. All of them run, so that one call shows all that is wrong; the exit code is 1 when any
 * failed. `npm run check -- lint knip` runs the named ones alone. Started by run.mjs, after a build.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const bin = (name) => `node_modules/.bin/${name}`
const published = ['packages', 'apps'].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
const roots = ['packages', 'apps', 'tests', 'bench', 'demo', 'examples']

/** Name → the commands that must all end with exit code 0. The build, with its types, has run before. */
const GATES = {
  format: [[bin('oxfmt'), '--check']],
  lint: [[bin('oxlint'), '--type-aware', '--tsconfig', 'tsconfig.check.json', '--deny-warnings']],
  types: [[bin('tsc'), '-p', 'tsconfig.check.json']],
  dependencies: [[bin('depcruise'), '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', ...roots]],
  unused: [[bin('knip')]],
  packages: published.flatMap((folder) => [
    [bin('publint'), 'run', folder, '--strict', '--pack', 'npm'],
    [bin('attw'), '--pack', folder, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'],
  ]),
  documents: [[process.execPath, 'scripts/check-documents.mjs']],
  generated: [[process.execPath, 'scripts/generate-docs.mjs', '--check']],
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in GATES))
if (unknown.length > 0) {
  console.error(`there is no gate ${unknown.join(', ')}; the gates are ${Object.keys(GATES).join(', ')}`)
  process.exit(2)
}

const failed = []
for (const [name, commands] of Object.entries(GATES)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const started = performance.now()
  const faults = commands.map(fault).filter((text) => text !== null)
  const took = `${((performance.now() - started) / 1000).toFixed(1)} s`
  console.log(`${faults.length === 0 ? '✔' : '✘'} ${name.padEnd(13)} ${took}`)
  for (const text of faults) console.log(text.replace(/^/gm, '    '))
  if (faults.length > 0) failed.push(name)
}

if (failed.length > 0) {
  console.error(`\ncheck: ${failed.join(', ')} failed`)
  process.exitCode = 1
}

/** What a command said when it failed; null when it did not. */
function fault([program, ...args]) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status === 0) return null
  const said = [stdout, stderr, error?.message].filter(Boolean).join('\n').trim()
  return `${program.replace('node_modules/.bin/', '')} ${args.join(' ')}\n${said}`
}
