import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from '@freshet/core'
import { expect, test } from 'vitest'
import { LONG } from '../../length.ts'
import { IN_ORDER } from './account.ts'
import { until } from './relay-process.ts'
import { brokerAndWay, relayWorld, TOPIC } from './relay-world.ts'

/**
 * A broker whose disk is full ends by itself. When it has room again and was started, everything is there once. The disk is a
 * small file system in memory, which only root may mount; in the long form only.
 */
const run = promisify(execFile)
const KIB = 1_024
const SIZE = { small: 24 * KIB, large: 200 * KIB }

async function mounted(): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-full-'))
  const answer = await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE.small}k`, 'tmpfs', folder]).then(
    () => folder,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  if (typeof answer === 'string') return answer
  await rm(folder, { recursive: true })
  process.stderr.write(`\nSKIPPED: a broker whose disk is full. It can not be mounted: ${answer.message}\n\n`)
  return null
}

test.skipIf(!LONG)(
  'a broker whose disk is full: nothing is lost, nothing doubled, when it has room again',
  async () => {
    const disk = await mounted()
    if (disk === null) return
    await using cleaning = new AsyncDisposableStack()
    cleaning.defer(async () => {
      await run('umount', [disk])
      await rm(disk, { recursive: true })
    })
    const way = await brokerAndWay('a broker whose disk is full', {
      'log.dirs': join(disk, 'data'),
      'log.segment.bytes': '1048576',
      'log.index.size.max.bytes': '65536',
    })
    if (way === null) return
    cleaning.use(way)
    await using world = await relayWorld(way)
    const { relay, database, broker } = world
    await relay.worksAgain(0)
    for (let i = 0; i < 40; i++)
      await database.query(
        sql`insert into outbox (topic, key, payload) select ${TOPIC}, (i % 7)::text, jsonb_build_object('x', repeat('x', 1000)) from generate_series(1, 1000) i`,
      )
    await until('the broker is full', () => relay.failures.includes('SINK_UNAVAILABLE'))
    const { stdout } = await run('df', ['--output=avail', '-k', disk])
    const left = Number(stdout.trim().split('\n').at(-1))
    await run('mount', ['-o', `remount,size=${SIZE.large}k`, disk])
    await broker.restart()
    await world.delivered()
    const { written, lost, doubled, invented, disordered } = await world.account()
    process.stdout.write(
      `relay, a broker without room (${left} KiB left): ${written} messages, failures ${relay.failures.join(' ')}; lost ${lost}, doubled ${doubled}\n`,
    )
    expect(left).toBeLessThan(2 * KIB)
    expect({ lost, doubled, invented, disordered }).toEqual(IN_ORDER)
  },
  600_000,
)
