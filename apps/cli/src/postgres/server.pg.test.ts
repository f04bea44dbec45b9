import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { connect } from '@freshet/core'
import { afterEach, describe, expect, it } from 'vitest'
import { end, firstLine, freshet, startFreshet } from '../process.fixture.ts'
import { isAlive } from './data-directory.ts'

/** `freshet postgres`, the real thing: each test starts servers of its own. */

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

interface Answer {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly dataDirectory: string
}

async function start(...words: string[]) {
  const child = startFreshet(['postgres', '--json', ...words])
  cleanUps.push(() => end(child))
  return { child, answer: JSON.parse(await firstLine(child)) as Answer }
}

async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'freshet-cli-test-'))
  await chmod(made, 0o755)
  cleanUps.push(() => rm(made, { recursive: true, force: true }))
  return join(made, 'data')
}

async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const database = await connect({ url })
  try {
    return await database.query({ text: statement, values: [] })
  } finally {
    await database.close()
  }
}

describe('freshet postgres', () => {
  it('runs a server that Freshet can use fully, and removes it at the end', async () => {
    const { child, answer } = await start()
    expect(await ask(answer.url, 'show wal_level')).toEqual([{ wal_level: 'logical' }])
    expect((await freshet(['init'], { DATABASE_URL: answer.url })).exitCode).toBe(0)
    expect(await end(child, 'SIGINT')).toBe(0)
    expect(isAlive(answer.pid)).toBe(false)
    expect(existsSync(dirname(answer.dataDirectory))).toBe(false)
  })

  it('asks for a password, and listens on loopback alone', async () => {
    const { answer } = await start()
    const url = new URL(answer.url)
    url.password = 'guess'
    await expect(ask(url.toString(), 'select 1')).rejects.toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect(await ask(answer.url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
  })

  it('keeps what is in --data-dir, under the same password', async () => {
    const data = await directory()
    const first = await start('--data-dir', data)
    await ask(first.answer.url, 'create table kept (id int)')
    expect(await end(first.child)).toBe(0)
    // A pid file of a dead server, whose number somebody else has now: this process.
    await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n1\n5432\n\n\n\nready\n`)
    const second = await start('--data-dir', data)
    expect(await ask(second.answer.url, 'select count(*) as n from kept')).toEqual([{ n: '0' }])
    expect(new URL(second.answer.url).password).toBe(new URL(first.answer.url).password)
  })

  it('leaves no server behind when it is killed, and can be started again at once', async () => {
    const data = await directory()
    const first = await start('--data-dir', data)
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const second = await start('--data-dir', data)
    await expect.poll(() => isAlive(first.answer.pid), { timeout: 20_000 }).toBe(false)
    expect(await ask(second.answer.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('refuses a directory that is in use, or not its own', async () => {
    const data = await directory()
    await start('--data-dir', data)
    const again = await freshet(['postgres', '--data-dir', data])
    expect(again.exitCode).toBe(2)
    expect(again.err).toMatch(/a server already runs on .*\nhint: /)
    const foreign = await freshet(['postgres', '--data-dir', dirname(data)])
    expect(foreign.exitCode).toBe(2)
    expect(foreign.err).toContain('neither empty nor')
  })

  it('says what is wrong with a port', async () => {
    const { answer } = await start()
    const taken = await freshet(['postgres', '--json', '--port', String(answer.port)])
    expect(taken.exitCode).toBe(1)
    expect(JSON.parse(taken.err)).toMatchObject({
      code: 'CONNECTION_REFUSED',
      detail: expect.stringContaining('bind') as string,
    })
  })
})
