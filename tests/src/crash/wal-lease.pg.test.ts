import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isFreshetError, raw } from '@freshet/core'
import { createTestDatabase, startRestartableServer } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { bank, holdStream, settled } from '../wal-bank.ts'

/**
 * A process that reads the stream and stands still (SIGSTOP) has the slot for as long as the server permits, here for ever.
 * When its lease has run out another ends its connection and goes on, and what it does when it wakes up is nothing.
 */
const MOMENTS = ['waiting for changes', 'in the middle of applying'] as const

test.each(MOMENTS)('the reader is frozen %s', { timeout: 300_000 }, async (moment) => {
  await using server = await startRestartableServer({ settings: { wal_sender_timeout: '0' } })
  await using database = await createTestDatabase({ serverUrl: server.url })
  await database.database.query(raw(`alter database ${database.name} set freshet.lease = '2s'`))
  const { freshet, events } = await bank(database)
  await settled(freshet)
  const child = fork(fileURLToPath(new URL('./stream-reader.fixture.ts', import.meta.url)), [database.url], {
    execArgv: ['--conditions=@freshet/source'],
  })
  const said: unknown[] = []
  child.on('message', (message) => void said.push(message))
  database.defer(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const writer = await database.client()
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
  const lease = async () =>
    (await writer.query<{ holder: string | null; token: string }>('select holder, token from freshet.lease')).rows[0]
  // whichever of the two was first; the one that is to stand still shall have it, and keep it
  for (;;) {
    const holder = (await lease())?.holder ?? ''
    if (holder.endsWith(`:${child.pid}`)) break
    if (holder.endsWith(`:${process.pid}`))
      await writer.query('select pg_terminate_backend(active_pid) from pg_replication_slots where active')
    await pause()
  }
  const before = await lease()
  if (moment === 'waiting for changes') {
    child.kill('SIGSTOP')
  } else {
    const held = await holdStream(database)
    await writer.query('insert into ledger values (4, 20)')
    const waits = `select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'wal_stream'`
    while ((await writer.query(waits)).rowCount === 0) await pause()
    child.kill('SIGSTOP')
    // its transaction has moved the stream on, and is not committed
    await held.release()
  }
  await writer.query('insert into ledger values (5, 30)')
  const streams = () => events.filter(({ kind }) => kind === 'streaming').length
  const streamed = streams()
  while (streams() === streamed) await pause()
  const after = await lease()
  expect(after?.holder).toContain(`:${process.pid}`)
  expect(Number(after?.token)).toBeGreaterThan(Number(before?.token))
  // whoever reads was told a moment ago
  const refreshed = () =>
    freshet.refresh('moves').then(
      () => true,
      (error: unknown) => (isFreshetError(error, 'STREAM_BEHIND') ? false : Promise.reject(error as Error)),
    )
  while (!(await refreshed())) await pause()
  await settled(freshet)
  child.kill('SIGCONT')
  while (!said.includes('interrupted')) await pause()
  await writer.query('insert into ledger values (6, 40)')
  await settled(freshet)
  const { rows } = await writer.query(`select (select count(*) from ledger where amount >= 20)::int as ledger,
    (select count(*) from moves where amount >= 20)::int as moves, (select generation from freshet.wal_stream) as generation`)
  const { ledger } = rows[0] as { ledger: number }
  expect(rows).toEqual([{ ledger, moves: ledger, generation: 1 }])
  child.send('stop')
  await once(child, 'exit')
})
