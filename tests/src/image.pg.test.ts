import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { LONG } from './length.ts'

/**
 * What the image does, without an engine: what its Dockerfile deploys is deployed, and run as it would be there, by a
 * user that is not root, with the environment and nothing else.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const QUERY = 'select kind, count(*) as n from item group by kind'

const { packageManager } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { packageManager: string }
const dockerfile = readFileSync(`${ROOT}infra/Dockerfile`, 'utf8')
const { services } = parse(readFileSync(`${ROOT}infra/compose.postgres.yaml`, 'utf8')) as {
  services: { scheduler: { command: string; healthcheck: { test: string[] } }; init: { command: string } }
}

/** `ENV` of the last stage. */
const OF_THE_IMAGE = Object.fromEntries(
  [...(dockerfile.split(/^FROM /m).at(-1) ?? '').matchAll(/\b([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
)

const user = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {}

let app: string
let own: TestDatabase
let freshet: Freshet

beforeAll(async () => {
  if (!existsSync(`${ROOT}apps/cli/dist/main.js`)) throw new Error('nothing is built: npm run build')
  app = mkdtempSync(join(tmpdir(), 'freshet-image-'))
  chmodSync(app, 0o755)
  // as in the Dockerfile
  const deploy = /pnpm (--filter .* deploy) \/app/.exec(dockerfile)?.[1]?.split(' ') ?? []
  const pnpm = spawn('npx', ['-y', packageManager, ...deploy, app], {
    cwd: ROOT,
    env: { ...process.env, CI: 'true', npm_config_loglevel: 'error' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, complaint] = await Promise.all([text(pnpm.stdout), text(pnpm.stderr), once(pnpm, 'exit')])
  if (pnpm.exitCode !== 0) throw new Error(`${said}\n${complaint}`)
  own = await createTestDatabase({ migrated: false })
})

afterAll(async () => {
  await freshet?.close()
  await own?.drop()
  rmSync(app, { recursive: true, force: true })
})

/** As the entry point does, with the words of the compose file. */
function start(words: string, environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(process.execPath, [join(app, 'dist/main.js'), ...words.split(' ')], {
    ...user,
    cwd: '/',
    env: { ...OF_THE_IMAGE, DATABASE_URL: own.url, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void (child.exitCode === null && child.kill('SIGKILL')))
  return child
}

/** Waits for a log line, and goes on reading what follows. */
async function logged(child: ChildProcess, message: string): Promise<Record<string, unknown>> {
  if (child.stderr === null) throw new Error('it has no standard error')
  const lines: string[] = []
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`it ended: ${lines.join('\n')}`)))
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line)
      if (!line.startsWith('{')) return
      const entry = JSON.parse(line) as Record<string, unknown>
      if (entry['msg'] === message) resolve(entry)
    })
  })
}

/** The health check of the compose file, at another port. */
async function isHealthy(port: string): Promise<boolean> {
  const [cmd, node, ...args] = services.scheduler.healthcheck.test
  expect([cmd, node]).toEqual(['CMD', 'node'])
  const check = spawn(
    process.execPath,
    args.map((arg) => arg.replace(':8710/', `:${port}/`)),
    { ...user, stdio: 'ignore' },
  )
  const [code] = (await once(check, 'exit')) as [number | null]
  return code === 0
}

test('the image has its environment', () => {
  expect(OF_THE_IMAGE).toEqual({ NODE_ENV: 'production', FRESHET_HTTP_HOST: '0.0.0.0', FRESHET_LOG_LEVEL: 'info' })
})

test('init, serve, the health check, and a stop in the middle of a refresh', async () => {
  const init = start(services.init.command)
  await once(init, 'exit')
  expect(init.exitCode).toBe(0)

  // a refresh that lasts until it is let go
  freshet = await connect(own.url)
  await own.database.query(raw('create table item (id int generated always as identity, kind text not null)'))
  await freshet.create({ name: 'kinds', query: QUERY, mode: 'differential', schedule: 'live' })
  await own.database.query(raw('create table gate (held bool not null)'))
  await own.database.query(
    raw(`
    create function wait_at_the_gate() returns trigger language plpgsql as $$
    begin
      while exists (select from gate) loop perform pg_sleep(0.02); end loop;
      return new;
    end $$`),
  )
  await own.database.query(
    raw('create trigger slow before insert on kinds for each row execute function wait_at_the_gate()'),
  )

  const serve = start(services.scheduler.command, { FRESHET_HTTP_PORT: '0' })
  const ended = once(serve, 'exit')
  const { port } = new URL(String((await logged(serve, 'serving'))['url']))
  await expect.poll(() => isHealthy(port), { timeout: 60_000 }).toBe(true)
  const here = `http://127.0.0.1:${port}`
  expect(await (await fetch(here)).text()).toContain('<title>Freshet')

  await own.database.query(raw('insert into gate values (true)'))
  await own.database.query(raw(`insert into item (kind) values ('a'), ('a'), ('b')`))
  const running = async () => (await (await fetch(`${here}/metrics`)).text()).includes('freshet_refreshes_running 1')
  await expect.poll(running, { timeout: 60_000 }).toBe(true)
  serve.kill('SIGTERM')
  // it answers until the end: no more work is sent to it
  await expect.poll(async () => (await fetch(`${here}/health`)).status, { timeout: 60_000 }).toBe(503)
  expect(await (await fetch(`${here}/health`)).json()).toMatchObject({ live: true, reason: 'draining' })
  expect(await isHealthy(port)).toBe(false)
  expect(serve.exitCode).toBeNull()

  await own.database.query(raw('delete from gate'))
  expect(await ended).toEqual([0, null])
  // the refresh that ran was finished
  await assertEqualToQuery(own.database, 'kinds', QUERY)
})

test.runIf(LONG)('a stop lasts no longer than it is told, whatever still runs', async () => {
  const serve = start(services.scheduler.command, { FRESHET_HTTP_PORT: '0', FRESHET_DRAIN_TIMEOUT_MS: '100' })
  const ended = once(serve, 'exit')
  const { port } = new URL(String((await logged(serve, 'serving'))['url']))
  await own.database.query(raw('insert into gate values (true)'))
  await own.database.query(raw(`insert into item (kind) values ('c')`))
  const running = async () =>
    (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).includes('freshet_refreshes_running 1')
  await expect.poll(running, { timeout: 60_000 }).toBe(true)
  serve.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  await own.database.query(raw('delete from gate'))
  await freshet.refresh('kinds')
  await assertEqualToQuery(own.database, 'kinds', QUERY)
})

test('without a database, or with a variable that is wrong, it says what is missing', async () => {
  const wrong = [
    [{ DATABASE_URL: '' }, 'DATABASE_URL'],
    [{ FRESHET_HTTP_PORT: 'http' }, 'FRESHET_HTTP_PORT'],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER'],
  ] as const
  const ended = wrong.map(async ([environment]) => {
    const child = start(services.scheduler.command, environment)
    const [complaint] = await Promise.all([child.stderr === null ? '' : text(child.stderr), once(child, 'exit')])
    return { exitCode: child.exitCode, complaint }
  })
  expect(await Promise.all(ended)).toEqual(
    wrong.map(([, variable]) => ({ exitCode: 2, complaint: expect.stringContaining(variable) as string })),
  )
})
