import { DEFAULT_SETTINGS, FreshetError } from '@freshet/core'
import { random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { started, World } from './loop-world.fixture.ts'

const refused = new FreshetError('QUERY_FAILED', 'division by zero')
const conflict = new FreshetError('TRANSACTION_CONFLICT', 'deadlock detected')
const lost = new FreshetError('CONNECTION_LOST', 'gone')

describe('looking', () => {
  test('while nothing is committed it waits in the server, and asks nothing', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] }, b: { reads: ['t'], schedule: 'manual' } })
    const before = { ...world.counts }
    await clock.advance(10_000)
    expect(world.counts.waits - before.waits).toBe(10_000 / 250)
    expect(world.counts.snapshots).toBe(before.snapshots)
    expect(world.counts.polls).toBe(before.polls)
    expect(world.counts.catalogs).toBe(before.catalogs)
    await stop()
  })

  test('a commit is seen within the slowest pause, the next ones within the fastest', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], takesMs: 2 } })
    world.commit('t')
    await clock.advance(DEFAULT_SETTINGS.poll_max_ms)
    expect(world.starts).toHaveLength(1)
    for (let i = 0; i < 5; i++) {
      world.commit('t')
      await clock.advance(10)
    }
    expect(world.starts).toHaveLength(6)
    await stop()
  })

  test('how long a change has waited is counted from before its commit, wherever the loop is then', async () => {
    const chance = random(11)
    for (let round = 0; round < 40; round++) {
      const { world, clock, stop } = await started({ a: { reads: ['t'], takesMs: 4 } })
      world.latencyMs = chance.int(0, 4)
      // it looks in vain, and rests from that; or it waits; or it is refreshing
      world.commit(chance.pick(['t', 'elsewhere']))
      await clock.advance(chance.int(0, 40))
      const committedAt = clock.now()
      world.commit('t')
      await clock.advance(100)
      const waits = world.events.flatMap((event) => (event.kind === 'refreshed' ? [event.waitedMs] : []))
      const endedAt = Number(world.starts.at(-1)?.split(' ')[0]) + 4
      expect(waits.at(-1)).toBeGreaterThanOrEqual(endedAt - committedAt)
      await stop()
    }
  })

  test('a commit that no stream table reads starts nothing', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.commit('elsewhere')
    await clock.advance(1_000)
    expect(world.starts).toEqual([])
    await stop()
  })

  test('changes that come while the refresh runs are refreshed after it', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], takesMs: 500 } })
    world.commit('t')
    await clock.advance(300)
    world.commit('t')
    await clock.advance(2_000)
    expect(world.starts).toHaveLength(2)
    await stop()
  })

  test('the end of a long refresh is a reason to look at once', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], takesMs: 2_000, schedule: '10ms' } })
    world.commit('t')
    await clock.advance(1_500)
    world.commit('t')
    await clock.advance(2_000)
    const [first = 0, second = 0] = world.starts.map((start) => Number(start.split(' ')[0]))
    expect(second - first - 2_000).toBeLessThanOrEqual(10)
    await stop()
  })

  test('changes that come while a refresh runs which then has nothing to do are not forgotten', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'], takesMs: 1_000, idle: true } })
    world.commit('t')
    await clock.advance(500)
    world.commit('t')
    await clock.advance(10_000)
    expect(world.starts).toHaveLength(2)
    await stop()
  })

  test('whatever comes when, every change is refreshed in the end, and soon', async () => {
    const chance = random(7)
    for (let round = 0; round < 30; round++) {
      const { world, clock, stop } = await started({
        a: { reads: ['t'], takesMs: chance.int(1, 30) },
        b: { reads: ['a', 'u'], takesMs: chance.int(1, 30), idle: chance.chance(0.3) },
        c: { reads: ['u'], takesMs: chance.int(1, 30), schedule: '40ms' },
        d: { reads: ['b', 'c'], takesMs: chance.int(1, 30) },
      })
      world.latencyMs = chance.int(0, 8)
      for (let i = 0; i < 30; i++) {
        world.commit(chance.pick(['t', 'u', 'elsewhere']))
        await clock.advance(chance.int(0, 25))
      }
      await clock.advance(1_500)
      const late = [...world.tables].filter(([, table]) => table.pending).map(([name]) => name)
      expect(late).toEqual([])
      expect(world.events.filter(({ kind }) => kind === 'interrupted')).toEqual([])
      await stop()
    }
  })

  test('a new table, a pause and a new schedule are noticed within a second or so', async () => {
    const { world, clock, stop, names } = await started({ a: { reads: ['t'] } })
    world.add('b', { reads: ['t'] })
    await clock.advance(1_300)
    world.commit('t')
    await clock.advance(300)
    expect(names()).toBe('a b')
    world.change('a', { status: 'paused' })
    world.change('b', { schedule: 'manual' })
    await clock.advance(1_300)
    world.commit('t')
    await clock.advance(1_000)
    expect(names()).toBe('a b')
    await stop()
  })

  test('new settings are in force without a restart', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.settings = { ...DEFAULT_SETTINGS, poll_max_ms: 1_000 }
    world.commit('elsewhere')
    await clock.advance(10_000)
    const at = clock.now()
    world.commit('t')
    await clock.advance(1_000)
    const seenAfter = Number(world.starts[0]?.split(' ')[0]) - at
    expect(seenAfter).toBeGreaterThan(DEFAULT_SETTINGS.poll_max_ms)
    expect(seenAfter).toBeLessThanOrEqual(250)
    await stop()
  })
})

describe('order', () => {
  test('a chain is followed without a poll per link', async () => {
    const { world, clock, stop } = await started({
      a: { reads: ['t'] },
      b: { reads: ['a'] },
      c: { reads: ['b'] },
      d: { reads: ['c', 't'] },
    })
    world.commit('t')
    await clock.advance(200)
    const [first = 0] = world.starts.map((start) => Number(start.split(' ')[0]))
    expect(world.starts).toEqual([`${first} a`, `${first + 3} b`, `${first + 6} c`, `${first + 9} d`])
    await stop()
  })

  test('nor does a poll that is under way hold it up', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] }, b: { reads: ['a'] }, c: { reads: ['b'] } })
    world.latencyMs = 40
    world.commit('t')
    await clock.advance(1_000)
    const [first = 0] = world.starts.map((start) => Number(start.split(' ')[0]))
    expect(world.starts).toEqual([`${first} a`, `${first + 3} b`, `${first + 6} c`])
    await stop()
  })

  test('the bottom of a diamond is refreshed once, after both sides', async () => {
    const { world, clock, stop, names } = await started({
      left: { reads: ['t'], takesMs: 2 },
      right: { reads: ['t'], takesMs: 60 },
      bottom: { reads: ['left', 'right', 't'] },
    })
    world.commit('t')
    await clock.advance(1_000)
    expect(names()).toBe('left right bottom')
    await stop()
  })

  test('a slow refresh holds up nobody beside it', async () => {
    const { world, clock, stop } = await started({ slow: { reads: ['t'], takesMs: 5_000 }, fast: { reads: ['t'] } })
    for (let i = 0; i < 10; i++) {
      world.commit('t')
      await clock.advance(200)
    }
    expect(world.starts.filter((start) => start.endsWith('fast')).length).toBe(10)
    expect(world.starts.filter((start) => start.endsWith('slow')).length).toBe(1)
    await stop()
  })

  test('never more at once than the setting says, and nobody starves', async () => {
    const tables = Object.fromEntries([...'abcdefgh'].map((name) => [name, { reads: ['t'], takesMs: 10 }]))
    const { world, clock, loop, stop } = await started(tables)
    world.grouping = true
    let most = 0
    for (let i = 0; i < 400; i++) {
      world.commit('t')
      await clock.advance(1)
      most = Math.max(most, new Set(loop.state.running.values()).size)
    }
    expect(most).toBe(DEFAULT_SETTINGS.max_concurrent_refreshes)
    const refreshed = world.events.flatMap((event) => (event.kind === 'refreshed' ? event.table.name : []))
    const counts = Object.keys(tables).map((name) => refreshed.filter((other) => other === name).length)
    expect(Math.min(...counts)).toBeGreaterThan(10)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
    await stop()
  })
})

describe('trouble', () => {
  test('a failing table backs off, is suspended with a reason, and then left alone', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.settings = { ...DEFAULT_SETTINGS, max_consecutive_errors: 3 }
    world.faults.set('a', refused)
    world.commit('t')
    await clock.advance(60_000)
    const kinds = world.events.filter(({ kind }) => kind === 'failed' || kind === 'suspended').map(({ kind }) => kind)
    expect(kinds).toEqual(['failed', 'failed', 'suspended'])
    expect(world.starts.map((start) => start.endsWith('full'))).toEqual([false, false, true])
    const times = world.starts.map((start) => Number(start.split(' ')[0]))
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(500)
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThanOrEqual(1_000)
    expect(world.events.find(({ kind }) => kind === 'suspended')).toMatchObject({
      reason: 'gave up after 3 errors in a row; the last was QUERY_FAILED: division by zero',
    })
    await stop()
  })

  test('the last attempt is a full one, however long the server takes to record the others', async () => {
    for (let recordMs = 0; recordMs < 60; recordMs += 3) {
      const { world, clock, stop } = await started({ a: { reads: ['t'] } })
      world.settings = { ...DEFAULT_SETTINGS, max_consecutive_errors: 3, error_backoff_min_ms: 1 }
      world.commit('elsewhere')
      await clock.advance(2_000)
      world.recordMs = recordMs
      world.faults.set('a', refused)
      world.commit('t')
      await clock.advance(10_000)
      expect(world.starts.map((start) => start.endsWith('full'))).toEqual([false, false, true])
      await stop()
    }
  })

  test('resumed after suspension, it is refreshed at once', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.settings = { ...DEFAULT_SETTINGS, max_consecutive_errors: 6 }
    world.faults.set('a', refused)
    world.commit('t')
    while (world.table('a').status === 'active') await clock.advance(500)
    world.faults.clear()
    const before = world.starts.length
    world.change('a', { status: 'active', errors: 0, retryAt: 0 })
    await clock.advance(1_500)
    expect(world.starts.length - before).toBe(1)
    await stop()
  })

  test('transient errors never suspend, and success forgives them', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.settings = { ...DEFAULT_SETTINGS, max_consecutive_errors: 2 }
    world.faults.set('a', conflict)
    world.commit('t')
    await clock.advance(30_000)
    expect(world.table('a').errors).toBeGreaterThan(4)
    expect(world.table('a').status).toBe('active')
    world.faults.clear()
    await clock.advance(60_000)
    expect(world.table('a').errors).toBe(0)
    await stop()
  })

  test('a failing table holds up nobody, those that read it included', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] }, b: { reads: ['a', 't'] } })
    world.faults.set('a', refused)
    world.commit('t')
    await clock.advance(400)
    expect(world.starts.map((start) => start.split(' ')[1])).toEqual(['a', 'b'])
    await stop()
  })

  test('a back-off that another scheduler recorded is waited for, and then it is tried though nothing was committed', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    const retryAt = clock.now() + 5_000
    world.change('a', { retryAt })
    world.commit('t')
    await clock.advance(20_000)
    const times = world.starts.map((start) => Number(start.split(' ')[0]))
    expect(times).toHaveLength(1)
    expect((times[0] ?? 0) - retryAt).toBeGreaterThanOrEqual(0)
    expect((times[0] ?? 0) - retryAt).toBeLessThanOrEqual(DEFAULT_SETTINGS.poll_max_ms)
    await stop()
  })

  test('a lost connection is looked for again, with pauses that grow, and work goes on', async () => {
    const { world, clock, loop, stop } = await started({ a: { reads: ['t'] } })
    world.outage = lost
    await clock.advance(10_000)
    const pauses = world.events.flatMap((event) => (event.kind === 'interrupted' ? [event.retryInMs] : []))
    expect(pauses.slice(0, 5)).toEqual([100, 200, 400, 800, 1_600])
    expect(loop.state.trouble).toBe(lost)
    world.outage = null
    world.commit('t')
    await clock.advance(10_000)
    expect(loop.state.trouble).toBeNull()
    expect(world.starts).toHaveLength(1)
    await stop()
  })

  test('while the server is gone a refresh that fails is not counted, and tried again', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.faults.set('a', lost)
    world.commit('t')
    await clock.advance(5_000)
    expect(world.starts.length).toBeGreaterThan(3)
    expect(world.table('a')).toMatchObject({ errors: 0, status: 'active' })
    await stop()
  })

  test('a table that somebody else holds is looked at again', async () => {
    const { world, clock, stop } = await started({ a: { reads: ['t'] } })
    world.change('a', { locked: true })
    world.commit('t')
    await clock.advance(500)
    expect(world.starts.length).toBeGreaterThan(2)
    expect(world.starts.length).toBeLessThan(30)
    world.change('a', { locked: false })
    await clock.advance(500)
    expect(world.table('a').pending).toBe(false)
    await stop()
  })
})

test('clean-up follows refreshes, with a pause between, and stays away when nothing was refreshed', async () => {
  const { world, clock, stop } = await started({ a: { reads: ['t', 'u'] } })
  await clock.advance(10_000)
  expect(world.trims).toEqual([])
  for (let i = 0; i < 20; i++) {
    world.commit('t')
    await clock.advance(100)
  }
  expect(world.trims.length).toBeGreaterThanOrEqual(4)
  expect(world.trims.length).toBeLessThanOrEqual(6)
  expect(world.trims[0]).toMatch(new RegExp(` t ${DEFAULT_SETTINGS.cleanup_batch_rows}$`))
  await stop()
})

test('drain: nothing is started any more, and what runs is waited for', async () => {
  const world = new World({ slow: { reads: ['t'], takesMs: 1_000 }, after: { reads: ['slow'] } })
  const { loop } = world.start()
  await world.clock.advance(500)
  world.commit('t')
  await world.clock.advance(300)
  expect(loop.state.running.size).toBe(1)
  world.abort()
  await world.clock.advance(5_000)
  expect(loop.state.running.size).toBe(0)
  expect(world.table('slow').refreshedAt).not.toBeNull()
  expect(world.starts.map((start) => start.split(' ')[1])).toEqual(['slow'])
  expect(world.events.at(-1)).toMatchObject({ kind: 'refreshed' })
  expect(world.events).toContainEqual({ kind: 'draining', running: 1 })
})
