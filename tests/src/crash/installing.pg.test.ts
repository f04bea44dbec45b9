import type { Freshet } from '@freshet/client'
import { migrate } from '@freshet/core'
import { createTestDatabase, freshSeed, random } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { faultLink } from './fault-link.ts'
import { inventory } from './inventory.ts'
import { attempt, type Kind } from './kinds.ts'

/** The migration of the catalog, broken off at its statements: whole migrations are there, and the next run does the rest. */
const KINDS: readonly Kind[] = ['gone', 'backend', 'cut', 'error']
const install = { name: 'init', run: (freshet: Freshet) => freshet.init() }

test('init', async () => {
  const seed = freshSeed()
  const order = random(seed)
  const whole = await installed()
  const all = KINDS.flatMap((kind) =>
    Array.from(
      { length: whole.points },
      (_, i) =>
        ({ kind, at: i + 1, side: kind === 'error' ? 'before' : order.pick(['before', 'after'] as const) }) as const,
    ),
  )
  const counts: Record<string, number> = {}
  for (const fault of LONG ? all : order.sample(all, 4)) {
    await using own = await createTestDatabase({ migrated: false })
    await using link = await faultLink(own.url)
    const { struck } = await attempt({ own, link }, install, fault)
    expect(struck, `seed ${seed}`).toBeDefined()
    counts[fault.kind] = (counts[fault.kind] ?? 0) + 1
    await migrate(own.database)
    expect(await inventory(own.database), `${fault.kind} ${fault.side} ${fault.at}, seed ${seed}`).toEqual(
      whole.inventory,
    )
  }
  console.log(`init: ${whole.points} points, faults`, counts, `differences 0; seed ${seed}`)
}, 1_800_000)

async function installed(): Promise<{ points: number; inventory: readonly string[] }> {
  await using own = await createTestDatabase({ migrated: false })
  await using link = await faultLink(own.url)
  expect(await attempt({ own, link }, install, { kind: 'delay', at: 0, side: 'before' })).toMatchObject({
    outcome: 'done',
  })
  return { points: link.exchanges().length, inventory: await inventory(own.database) }
}
