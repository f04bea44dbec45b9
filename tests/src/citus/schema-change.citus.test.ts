import { setTimeout as sleep } from 'node:timers/promises'
import { isFreshetError } from '@freshet/core'
import { assertEqualToQuery, clusterUrls, freshSeed, random } from '@freshet/testkit'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { type Case, CASES, insert, QUEUES, RELATIONS, STREAMS, usual } from './schema-changes.ts'
import { type CitusWorld, createCitusWorld, leftOnNodes } from './world.ts'

/**
 * L6, L7 on a cluster: whatever is done to the shape of a distributed table, while others write on the coordinator and on a
 * worker, and stream tables of every placement are refreshed: no writer fails because of Freshet, and each stream table
 * adapts, or says why not and what to do. Afterwards nothing is left on any node.
 *
 * Each takes seconds: every day some of them, others each time.
 */
const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
const cases = LONG ? CASES : random(seed).sample(CASES, 2)

describe.skipIf(clusterUrls() === null)('a distributed source changes its shape', () => {
  if (!LONG) process.stdout.write(`changes of shape on Citus: ${cases.length} of ${CASES.length}, seed ${seed}\n`)

  test.each(cases)('$name', { timeout: 600_000 }, async (change) => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...RELATIONS)
    const before = await leftOnNodes(world)
    for (const [name, { query, placement }] of Object.entries(STREAMS))
      await world.freshet.create({ name, query, placement, mode: 'differential', schedule: 'manual' })
    expect((await world.rows('select from freshet.shard_queue_reader')).length).toBe(QUEUES)

    const writing = await startWriting(world, change)
    await writing.some()
    const refreshing = refreshInBackground(world)
    try {
      await carryOut(world, change)
      writing.changed()
      await writing.some()
    } finally {
      await refreshing.stop()
      // what came last is not followed by anything that could make up for it
      await writing.stop()
    }
    expect(writing.failures).toEqual([])

    await expectAnswers(world, change)
    if (change.mend !== undefined) {
      await world.run(...change.mend)
      for (const name of Object.keys(change.refuses ?? {})) await world.freshet.resume(name)
      await expectAnswers(world, { ...change, refuses: {}, write: insert('amount') })
    }
    expect(await world.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
    // those that were refreshed on the workers are again
    expect((await world.rows('select from freshet.shard_queue_reader')).length).toBe(change.queues ?? QUEUES)
    for (const name of Object.keys(STREAMS)) await world.freshet.drop(name)
    expect(await leftOnNodes(world)).toEqual(before)
  })
})

let nextId = 100_000

async function expectAnswers(world: CitusWorld, { refuses = {}, now = (query) => query, write = usual }: Case) {
  const names = Object.keys(STREAMS)
  for (const name of names) {
    const code = refuses[name]
    if (code === undefined) {
      await world.freshet.refresh(name)
      continue
    }
    const held = await world.rows(`select * from ${name} as t order by t::text`)
    const error: unknown = await world.freshet.refresh(name).catch((caught: unknown) => caught)
    expect({ name, error }).toMatchObject({ name, error: { code, hint: expect.stringMatching(/./) as string } })
    expect(await world.rows(`select * from ${name} as t order by t::text`)).toEqual(held)
  }
  const going = names.filter((name) => refuses[name] === undefined)
  const equal = async () => {
    for (const name of going) {
      await expectEqual(world, name, now(STREAMS[name]?.query ?? ''))
      expect(await world.freshet.verify(name)).toMatchObject({ equal: true })
    }
  }
  await equal()
  if (write === null) return
  // and by deltas from then on
  await world.run(write(nextId++))
  for (const name of going)
    expect({ name, ...(await world.freshet.refresh(name)) }).toMatchObject({
      name,
      action: expect.stringMatching(/none|differential/) as string,
    })
  await equal()
}

/** Column by column: their names are the stream table's, whatever the query reads is called now. */
async function expectEqual(world: CitusWorld, name: string, query: string): Promise<void> {
  const columns = await world.rows(`select quote_ident(attname) as name from pg_attribute
    where attrelid = '${name}'::regclass and attnum > 0 and not attisdropped and attname !~ '^__' order by attnum`)
  const names = columns.map((column) => String(column['name'])).join(', ')
  await assertEqualToQuery(world.own.database, name, `select * from (${query}) as answer (${names})`)
}

async function carryOut(world: CitusWorld, { ddl, together }: Case): Promise<void> {
  if (together !== true) {
    for (const statement of ddl) await insisting(() => world.run(statement))
    return
  }
  const client = await world.writer()
  await insisting(async () => {
    try {
      for (const statement of ['begin', ...ddl, 'commit']) await client.query(statement)
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  })
}

/** Writers are many: Citus may end the change of shape in their favour, as it does without Freshet. */
async function insisting(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work()
    } catch (error) {
      const code = isFreshetError(error) ? error.sqlState : error instanceof pg.DatabaseError ? error.code : undefined
      if (code !== '40P01' || attempt === 20) throw error
    }
}

interface Writing {
  readonly failures: readonly string[]
  /** From now on the statements that fit. */
  changed(): void
  /** Until each has committed some more. */
  some(): Promise<void>
  stop(): Promise<void>
}

/** On the coordinator and on a worker. While the shape changes, a statement that does not fit fails by itself. */
async function startWriting(world: CitusWorld, { write = usual }: Case): Promise<Writing> {
  const clients = [await world.writer(), await world.writer(0)]
  const failures: string[] = []
  const committed = clients.map(() => 0)
  const state = { after: false, stopped: false }
  const loop = async (client: pg.Client, own: number) => {
    for (let i = 0; !state.stopped; i++) {
      const id = 1_000 + own * 40_000 + i
      const { after } = state
      const text = !after ? usual(id) : write === null ? 'select 1' : write(id)
      try {
        await client.query(text)
        committed[own] = (committed[own] ?? 0) + 1
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error
        const said = `${error.code ?? ''} ${error.message} (${error.where ?? ''}) in ${text}`
        // a deadlock between writers and the change is Citus's to find
        if ((after && error.code !== '40P01') || /freshet|(shards|marks|queue|changes)_/.test(said)) failures.push(said)
      }
      // between two statements there is room for whoever has to lock the table
      await sleep(10)
    }
  }
  const loops = Promise.allSettled(clients.map(loop))
  return {
    failures,
    changed: () => {
      state.after = true
    },
    async some() {
      const enough = committed.map((n) => n + 10)
      const limit = performance.now() + 20_000
      while (enough.some((n, i) => (committed[i] ?? 0) < n)) {
        if (performance.now() > limit) throw new Error(`nobody can write: ${failures.slice(0, 3).join('; ')}`)
        await sleep(2)
      }
    },
    async stop() {
      state.stopped = true
      for (const outcome of await loops)
        if (outcome.status === 'rejected') throw new Error('a writer failed', { cause: outcome.reason })
    },
  }
}

const MET = /^(SOURCE_CHANGED|SOURCE_DROPPED|NOT_CAPTURABLE|LOCK_TIMEOUT|TRANSACTION_CONFLICT|CAPTURE_BROKEN)$/

/** Refreshes may meet the change half-way, and say so. */
function refreshInBackground(world: CitusWorld): { stop(): Promise<void> } {
  const state = { stopped: false }
  const loop = (async () => {
    while (!state.stopped)
      for (const name of Object.keys(STREAMS)) {
        if (state.stopped) break
        try {
          await world.freshet.refresh(name)
        } catch (error) {
          if (!isFreshetError(error)) throw error
          if (!MET.test(error.code) && error.sqlState !== '40P01') throw error
        }
        await sleep(5)
      }
  })()
  const ended = Promise.allSettled([loop])
  return {
    async stop() {
      state.stopped = true
      const [outcome] = await ended
      if (outcome.status === 'rejected')
        throw new Error('a refresh failed beside the change', { cause: outcome.reason })
    },
  }
}
