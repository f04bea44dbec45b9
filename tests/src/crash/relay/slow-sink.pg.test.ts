import { setTimeout as sleep } from 'node:timers/promises'
import { raw } from '@freshet/core'
import { createOutbox, listOutboxes } from '@freshet/relay'
import { createTestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from '../../length.ts'
import { startHook } from './hook.ts'
import { type Memory, RelayProcess } from './relay-process.ts'

/**
 * A sink that takes ten messages a second, for two minutes, while much more is written: the memory of the relay stays as it
 * was, and when the sink is quick again everything comes. In the long form; what bounds the memory is tested beside the
 * relay.
 */
const SIZE = { perSecond: 10, seconds: 120, rows: 10, everyMs: 25, bytes: 2_000, steadyAfter: 20, patience: 120 }
const MIB = 1_048_576

test.skipIf(!LONG)(
  'ten messages a second for two minutes under full load: memory flat, nothing dropped',
  async () => {
    await using cleaning = new AsyncDisposableStack()
    const own = await createTestDatabase()
    cleaning.defer(() => own.drop())
    const { database } = own
    await createOutbox(database, { name: 'outbox', keepMs: 86_400_000 })
    const seen = new Set<string>()
    let slow = true
    let turn = Promise.resolve()
    const url = await startHook(own, ({ id }) => {
      seen.add(id.split('-').at(-1) ?? '')
      if (slow) turn = turn.then(() => (slow ? sleep(1_000 / SIZE.perSecond) : undefined))
      return turn
    })
    const config = `relays:
  slow:
    source: { outbox: outbox }
    format: plain
    sink: { kind: webhook, url: '${url}', concurrency: 8, timeout_ms: 60000 }
`
    const relay = new RelayProcess(config, own.url)
    own.defer(() => relay.kill())
    await relay.worksAgain(0)
    const end = performance.now() + SIZE.seconds * 1_000
    while (performance.now() < end) {
      await database.query(
        raw(`insert into outbox (topic, key, payload)
          select 't', (i % 20)::text, jsonb_build_object('x', repeat('x', ${SIZE.bytes})) from generate_series(1, ${SIZE.rows}) i`),
      )
      await sleep(SIZE.everyMs)
    }
    const whileSlow = seen.size
    const memory = relay.memory.slice()
    slow = false
    // as long as anything comes, it is waited for
    for (let before = -1, same = 0; ;) {
      const [outbox] = await listOutboxes(database)
      const [consumer] = outbox?.consumers ?? []
      if (outbox !== undefined && consumer?.lag === 0 && seen.size === outbox.rows) break
      same = seen.size === before ? same + 1 : 0
      before = seen.size
      expect(same).toBeLessThan(SIZE.patience)
      await sleep(500)
    }
    const early = most(memory.slice(0, SIZE.steadyAfter))
    const late = most(memory.slice(SIZE.steadyAfter))
    const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`
    process.stdout.write(
      `relay to a slow sink: ${whileSlow} of ${seen.size} taken in ${SIZE.seconds} s, the rest after it; in the first ${SIZE.steadyAfter} s rss ${mib(early.rss)}, heap ${mib(early.heapUsed)} at most; then rss ${mib(late.rss)}, heap ${mib(late.heapUsed)}\n`,
    )
    expect(whileSlow).toBeLessThan(seen.size / 2)
    expect(late.rss).toBeLessThan(early.rss + 32 * MIB)
    expect(relay.failures).toEqual([])
  },
  900_000,
)

function most(memory: readonly Memory[]): Memory {
  return {
    rss: Math.max(...memory.map(({ rss }) => rss)),
    heapUsed: Math.max(...memory.map(({ heapUsed }) => heapUsed)),
  }
}
