import { FreshetError } from '@freshet/core'
import { describe, expect, it } from 'vitest'
import { EXIT } from './exit-code.ts'
import { run } from './run.ts'
import { paperTerminal } from './terminal.fixture.ts'

/** Runs a command line in a world where every connection fails with `error`. */
async function freshet(words: readonly string[], error: Error = new Error('must not connect'), settings = {}) {
  const { terminal, written } = paperTerminal({ env: { DATABASE_URL: 'postgresql://nowhere/x' }, ...settings })
  const refuse = () => Promise.reject(error)
  const exitCode = await run(words, { terminal, connect: refuse, startScheduler: refuse })
  return { exitCode, ...written }
}

describe('wrong usage', () => {
  it.each([
    [[], 'no command was given'],
    [['creat'], "unknown command 'creat'"],
    [['help', 'nope'], 'there is no such command'],
    [['list', '--nope'], "unknown option '--nope'"],
    [['drop'], "missing required argument 'name'"],
    [['list', 'x'], "too many arguments for 'list'. Expected 0 arguments but got 1."],
    [['create', 'x'], 'no query was given'],
    [['create', 'x', '--query', 'select 1', '--query-file', 'f'], "option '--query <sql>' cannot be used with"],
    [['create', 'x', '--query-file', 'missing.sql'], 'can not read missing.sql: no such file'],
    [['create', 'x', '--query', 'select 1', '--mode', 'sometimes'], "argument 'sometimes' is invalid"],
    [['create', 'x', '--query', 'select 1', '--mode', 'quick'], "argument 'quick' is invalid"],
    [['alter', 'x'], 'nothing to change was given'],
    [['refresh'], 'no stream table was named'],
    [['refresh', 'x', '--all'], 'names and --all were both given'],
    [['verify'], 'no stream table was named'],
    [['explain'], 'nothing to explain was given'],
    [['explain', 'x', '--query', 'select 1'], 'a name and a query were both given'],
    [['explain', 'x', '--format', 'pdf'], "argument 'pdf' is invalid"],
    [['history', '--limit', '0'], "argument '0' is invalid"],
    [['serve', '--port', '65536'], "argument '65536' is invalid"],
    [['postgres', '--persist', '--data-dir', 'd'], '--data-dir and --persist were both given'],
  ])('%j', async (words, message) => {
    const human = await freshet(words)
    expect(human.err).toMatch(/^error USAGE: /)
    expect(human.err).toContain(message)
    expect(human.err).toMatch(/\nhint: ./)
    expect(human).toMatchObject({ exitCode: EXIT.usage, out: '' })

    const machine = await freshet([...words, '--json'])
    if (words.length === 0) return // `--json` alone is another mistake
    expect(machine).toMatchObject({ exitCode: EXIT.usage, out: '' })
    expect(JSON.parse(machine.err)).toMatchObject({ code: 'USAGE', hint: expect.stringMatching(/./) as string })
  })

  it('tells what was probably meant', async () => {
    expect((await freshet(['creat'])).err).toContain('hint: Did you mean create?')
    expect((await freshet(['create', 'x', '--query', 'q', '--mode', 'sometimes'])).err).toContain('immediate')
  })

  it('asks for a database', async () => {
    const { err, exitCode } = await freshet(['list'], undefined, { env: {} })
    expect(err).toContain('error USAGE: no database was given')
    expect(exitCode).toBe(EXIT.usage)
  })
})

describe('failures', () => {
  const error = new FreshetError('SERVER_TOO_OLD', 'the server is PostgreSQL 14.9', {
    detail: 'server_version_num 140009',
  })

  it('are told with code, detail and hint', async () => {
    expect(await freshet(['list'], error)).toEqual({
      exitCode: EXIT.failed,
      out: '',
      err: 'error SERVER_TOO_OLD: the server is PostgreSQL 14.9\nserver_version_num 140009\nhint: Upgrade the server to PostgreSQL 15 or later.\n',
    })
  })

  it('are told in JSON', async () => {
    const { err, exitCode } = await freshet(['--json', 'list'], error)
    expect(exitCode).toBe(EXIT.failed)
    expect(JSON.parse(err)).toEqual({
      code: 'SERVER_TOO_OLD',
      message: 'the server is PostgreSQL 14.9',
      detail: 'server_version_num 140009',
      hint: 'Upgrade the server to PostgreSQL 15 or later.',
      sqlState: null,
    })
  })

  it('are coloured on a terminal only, and never with NO_COLOR', async () => {
    const red = '\u001B[31merror'
    expect((await freshet(['list'], error, { isTTY: true })).err).toContain(red)
    const env = { DATABASE_URL: 'x', NO_COLOR: '1' }
    expect((await freshet(['list'], error, { isTTY: true, env })).err).not.toContain(red)
  })

  it('that are faults of ours say where they came from', async () => {
    const { err } = await freshet(['list', '--json'], new TypeError('x is not a function'))
    expect(JSON.parse(err)).toMatchObject({
      code: 'INTERNAL',
      detail: expect.stringContaining('run.test.ts') as string,
    })
  })
})

describe('help', () => {
  it('is an answer', async () => {
    for (const words of [['--help'], ['help'], ['create', '--help'], ['help', 'create']]) {
      const { exitCode, out, err } = await freshet(words)
      expect({ exitCode, err }).toEqual({ exitCode: EXIT.done, err: '' })
      expect(out).toContain('Usage: freshet')
    }
    expect((await freshet(['--version'])).out).toMatch(/^\d+\.\d+\.\d+/)
  })
})
