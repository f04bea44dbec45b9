import { connect, type Freshet, type StreamEvent } from '@freshet/client'
import { whileRefused } from '@freshet/core'
import { assertEqualToQuery, type TestDatabase } from '@freshet/testkit'
import { BANK, BANK_STREAMS } from './writers.ts'

/** The bank with its stream tables, captured by WAL, and a process that reads the stream. */
export interface Bank {
  readonly freshet: Freshet
  readonly events: StreamEvent[]
}

export async function bank(test: TestDatabase, cdc: 'wal' | 'trigger' = 'wal'): Promise<Bank> {
  const client = await test.client()
  await client.query(BANK)
  const freshet = await connect(test.url)
  const events: StreamEvent[] = []
  freshet.startStream((event) => void events.push(event))
  test.defer(async () => {
    for (const { name } of await freshet.list()) await freshet.drop(name)
    await freshet.close()
  })
  // a slot waits for whoever writes on the server, other tests among them, and gives up when that takes long
  for (const [name, query] of Object.entries(BANK_STREAMS))
    await whileRefused(90_000, () => freshet.create({ name, query, schedule: 'manual', mode: 'differential', cdc }))
  return { freshet, events }
}

export async function settled(freshet: Freshet): Promise<void> {
  for (const [name, query] of Object.entries(BANK_STREAMS)) {
    await freshet.refresh(name)
    await assertEqualToQuery(freshet.database, name, query)
  }
}

/** The stream can not commit what it decodes until `release`: it notes there how far it has come. */
export async function holdStream(test: TestDatabase): Promise<{ release(): Promise<void> }> {
  const client = await test.client()
  await client.query('begin; select from freshet.wal_stream for update')
  return { release: async () => void (await client.query('commit')) }
}
