import { raw, type SourceIdentifier } from '@freshet/core'
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from '@freshet/testkit'
import { changeCapture } from '../capture.ts'
import { run, sourceOf } from '../capture.fixture.ts'
import { abandonStream } from './slot.ts'
import { type WalStream, type WalStreamEvent, walStream } from './wal-stream.ts'

/** A database whose sources are captured by WAL, with a process that reads the stream. */
export interface WalWorld extends TestDatabase {
  readonly events: WalStreamEvent[]
  start(): WalStream
  captured(create: string, name: string, columns: readonly string[]): Promise<SourceIdentifier>
}

const capture = changeCapture()

export async function walWorld(options: TestDatabaseOptions = {}): Promise<WalWorld> {
  const world = await createTestDatabase(options)
  const events: WalStreamEvent[] = []
  const running = new Set<WalStream>()
  world.defer(async () => {
    for (const stream of running) await stream.stop()
    await world.database.query(raw(`update freshet.source set capture = 'none'`))
    await abandonStream(world.database)
  })
  return {
    ...world,
    events,
    start() {
      const stream = walStream({
        database: world.database,
        databaseUrl: world.url,
        listener: (event) => void events.push(event),
      })
      running.add(stream)
      return stream
    },
    async captured(create, name, columns) {
      await run(world.database, create)
      const source = await sourceOf(world.database, name)
      await capture.ensure(world.database, source, columns, { via: 'wal' })
      return source
    },
    [Symbol.asyncDispose]: () => world.drop(),
  }
}
