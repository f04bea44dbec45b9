import type { Finding, Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { freshSeed, random } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inventory } from './inventory.ts'
import { attempt, type Kind } from './kinds.ts'
import { OPERATIONS } from './operations.ts'
import { bank, examine, type World } from './world.ts'

/** What a process leaves half done is told from what another is doing, is shown by the doctor, and cleared away. */
let world: World
beforeEach(async () => {
  world = await bank(random(freshSeed()))
})
afterEach(() => world[Symbol.asyncDispose]())

const operation = (name: string) => {
  const found = OPERATIONS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no operation ${name}`)
  return found
}

/** Strikes it after the first statement that begins so, or after the next commit that follows it. */
async function leave(name: string, words: string, kind: Kind = 'gone', then: 'itself' | 'its commit' = 'its commit') {
  const one = operation(name)
  await world.recovered(async (freshet) => one.prepare?.(freshet))
  let seen = false
  const at = (label: string) => {
    if (!seen && label.startsWith(words)) {
      seen = true
      return then === 'itself'
    }
    return seen && label === 'commit'
  }
  const { outcome, struck } = await attempt(world, one, { kind, at, side: 'after' })
  expect(struck).toBeDefined()
  return outcome
}

const complaints = async (freshet: Freshet): Promise<Finding[]> =>
  (await freshet.doctor()).filter(({ level, hint }) => level !== 'ok' && hint?.startsWith('create index') !== true)

async function sound(freshet: Freshet): Promise<void> {
  expect((await examine(world, freshet)).wrong).toEqual([])
}

test('a creation that nobody goes on with: not used, shown, created again or removed', async () => {
  const before = await inventory(world.own.database)
  for (const way of ['repaired', 'repeated'] as const) {
    await leave('create', 'create table freshet_changes.log_')
    await world.recovered(async (freshet) => {
      expect(await complaints(freshet)).toMatchObject([
        { level: 'error', subject: 'public.subject', message: 'its creation was interrupted' },
      ])
      await expect(freshet.refresh('subject')).rejects.toMatchObject({ code: 'USAGE' })
      await expect(freshet.verify('subject')).rejects.toMatchObject({ code: 'USAGE' })
      if (way === 'repaired') {
        expect((await freshet.repair()).repaired).toMatchObject([{ subject: 'public.subject' }])
        expect(await inventory(freshet.database)).toEqual(before)
      } else {
        await operation('create').run(freshet)
        await sound(freshet)
        await operation('create').undo?.(freshet)
      }
    })
  }
})

test('a creation that somebody is at is left alone', async () => {
  const holder = await world.own.client()
  await holder.query('begin; lock table branch in row exclusive mode')
  await world.recovered(async (freshet) => {
    const query = 'select city, count(*) as n from branch group by city'
    const creating = freshet.create({ name: 'cities', query, mode: 'differential' })
    const status = async () =>
      (
        await world.own.database.query<{ status: string }>(
          raw(`select status from freshet.stream_table_state order by 1 desc`),
        )
      )[0]?.status
    while ((await status()) !== 'initializing') await new Promise((resolve) => setTimeout(resolve, 5))
    await world.recovered(async (other) => {
      expect(await complaints(other)).toMatchObject([{ subject: 'public.cities', message: 'still being filled' }])
      expect(await other.repair()).toEqual({ repaired: [], failed: [] })
      await expect(other.create({ name: 'cities', query })).rejects.toMatchObject({ code: 'DUPLICATE_NAME' })
      await expect(other.refresh('cities')).rejects.toMatchObject({ code: 'USAGE' })
    })
    await holder.query('commit')
    await creating
    await sound(freshet)
    await freshet.drop('cities')
  })
})

test('an immediate one that was filled and not given to its writers is not made', async () => {
  await leave('create immediate', 'with read as')
  await world.recovered(async (freshet) => {
    expect(await complaints(freshet)).toMatchObject([{ message: 'its creation was interrupted' }])
    await operation('create immediate').run(freshet)
    expect(await freshet.get('subject')).toMatchObject({ mode: 'immediate', status: 'active' })
    await sound(freshet)
  })
})

test('a new query whose commit was not heard of is the query', async () => {
  expect(await leave('alter --query', 'alter table public.subject rename', 'cut')).toBe('done')
  await world.recovered(sound)
})

test.each(['repaired', 'cleared by upkeep'])(
  'an alteration that was broken off leaves nothing when it is %s',
  async (way) => {
    await leave('alter --query', 'create table freshet_changes.log_')
    await world.recovered(async (freshet) => {
      expect(await complaints(freshet)).toMatchObject([
        {
          subject: 'public.subject',
          message: 'an alteration was interrupted, and what was made of its new query is left',
        },
      ])
      const told = 'its alteration was interrupted: what was made of it is removed'
      if (way === 'repaired')
        expect((await freshet.repair()).repaired).toEqual([{ subject: 'public.subject', message: told }])
      else expect(await freshet.removeLeftovers()).toEqual([`public.subject: ${told}`])
      await sound(freshet)
      expect(await freshet.database.query(raw(`select from freshet.source where table_name = 'branch'`))).toEqual([])
    })
  },
)

test.each(['repaired', 'repeated'])(
  'an immediate one that was being altered is immediate again, when it is %s',
  async (way) => {
    await leave('alter --query of an immediate one', `update freshet.stream_table set mode = 'differential'`)
    await world.recovered(async (freshet) => {
      expect(await complaints(freshet)).toMatchObject([{ subject: 'public.subject', hint: 'freshet repair' }])
      if (way === 'repaired') expect(await freshet.repair()).toMatchObject({ failed: [] })
      else await operation('alter --query of an immediate one').run(freshet)
      expect(await freshet.get('subject')).toMatchObject({ mode: 'immediate', modeReason: null })
      await sound(freshet)
    })
  },
)

test('captures that a dropped one has left go with the next drop, whatever becomes of that', async () => {
  await leave('drop', 'delete from freshet.stream_table where')
  await world.recovered(async (freshet) => {
    expect(await complaints(freshet)).toMatchObject([
      { subject: 'public.ledger', message: 'its changes are captured, and nothing reads them', hint: 'freshet repair' },
    ])
    await expect(freshet.drop('subject')).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
    await sound(freshet)
  })
})

test('a slot that nobody knows of is found and dropped', async () => {
  await leave('create with capture by WAL', 'select lsn::text from pg_create_logical_replication_slot')
  await world.recovered(async (freshet) => {
    const told = (await complaints(freshet)).map(({ message }) => message).join('\n')
    expect(told).toMatch(/the replication slot freshet_\w+ is left, and serves no source/)
    await freshet.repair()
    expect(await complaints(freshet)).toEqual([])
    const slots = await freshet.database.query(
      raw('select from pg_replication_slots where database = current_database()'),
    )
    expect(slots).toEqual([])
    expect(await freshet.database.query(raw('select from pg_publication'))).toEqual([])
  })
})
