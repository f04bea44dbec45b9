import pg from 'pg'
import { expect, test } from 'vitest'
import { type Ending, startRestartableServer } from './restartable-server.ts'

test('a server is ended in every way, and started again with what was durable', async () => {
  await using server = await startRestartableServer()
  const pids = [server.pid]
  const ask = async (text: string) => {
    const client = new pg.Client(server.url)
    await client.connect()
    try {
      await client.query('set synchronous_commit = on')
      return (await client.query<{ n: number }>(text)).rows[0]?.n
    } finally {
      await client.end()
    }
  }
  await ask('create table kept (ending text)')
  for (const ending of ['fast', 'immediate', 'kill'] satisfies Ending[]) {
    const inside = new pg.Client(server.url)
    inside.on('error', () => undefined)
    await inside.connect()
    await inside.query(`begin; insert into kept values ('lost with ${ending}')`)
    await ask(`insert into kept values ('${ending}')`)
    await server.stop(ending)
    expect(server.pid).toBeNull()
    await expect(ask('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.start()
    pids.push(server.pid)
    await inside.end().catch((error: unknown) => expect(error).toBeInstanceOf(Error))
  }
  expect(await ask(`select count(*)::int as n from kept where ending in ('fast', 'immediate', 'kill')`)).toBe(3)
  expect(await ask('select count(*)::int as n from kept')).toBe(3)
  expect(new Set(pids).size).toBe(4)
})
