import { type DueInput, isDue } from './due.ts'

/**
 * Which of those that are due are refreshed in one transaction, and with what reads them: a commit and a few round trips
 * for all of them are faster than that many for each.
 *
 * G1  What has a reader in common is in one group, so that the reader can come along.
 * G2  A live table comes along when all of what it reads and is about to change is in the group, and comes before it.
 * G3  No more groups than refreshes may be started, and about as many in each; but rather one group than several small ones.
 * G4  What is in a group took next to nothing the last time. A unit, and what only the clock or a full refresh wants, is no
 *     part of one.
 */
export interface Group {
  readonly lead: number
  /** In an order in which what is read comes before what reads it. */
  readonly along: readonly number[]
}

export interface GroupSizes {
  /** So few are done before others that run beside them would be. */
  readonly least: number
  /** A transaction is not to hold more for long: nobody sees any of it before its end. */
  readonly most: number
}

const SIZES: GroupSizes = { least: 3, most: 32 }

/** `due`: who is nearest to its deadline first. */
export function groupsOf(
  due: readonly number[],
  places: number,
  input: DueInput,
  sizes: GroupSizes = SIZES,
): readonly Group[] {
  const scene: Scene = { ...input, bound: new Set(input.units.filter(({ length }) => length > 1).flat()) }
  const rank = new Map(due.map((id, at) => [id, at]))
  const alone = due.filter((id) => !mayBeGrouped(id, scene))
  const grouped = due.filter((id) => mayBeGrouped(id, scene))
  const bundles = connected(grouped, scene).flatMap((bundle) => {
    const found = ordered(bundle, scene)
    // too many for one transaction: what they have in common waits for all of them
    return found.size > sizes.most ? due.filter((id) => found.has(id)).map((id) => [id]) : [[...found]]
  })
  const members = bundles.reduce((sum, { length }) => sum + length, 0)
  const each = Math.ceil(members / Math.max(places - alone.length, 1))
  const enough = Math.min(Math.max(each, sizes.least), sizes.most)
  const groups: number[][] = []
  for (const bundle of bundles) {
    const last = groups.at(-1)
    if (last !== undefined && last.length + bundle.length <= enough) last.push(...bundle)
    else groups.push(bundle)
  }
  return [...groups, ...alone.map((id) => [id])]
    .map((group) => ({ group, first: Math.min(...group.map((id) => rank.get(id) ?? Infinity)) }))
    .sort((a, b) => a.first - b.first)
    .slice(0, places)
    .flatMap(({ group, first }) => {
      const lead = due[first]
      return lead === undefined ? [] : [{ lead, along: group.filter((id) => id !== lead) }]
    })
}

interface Scene extends DueInput {
  /** The members of units. */
  readonly bound: ReadonlySet<number>
}

/** G1: those due with what may follow them, in the order of those due. */
function connected(due: readonly number[], scene: Scene): readonly ReadonlySet<number>[] {
  const bundleOf = new Map<number, Set<number>>()
  for (const id of due) {
    const bundle = new Set<number>()
    for (const member of [...followers(id, scene), id])
      for (const each of bundleOf.get(member) ?? [member]) bundle.add(each)
    for (const member of bundle) bundleOf.set(member, bundle)
  }
  return [...new Set(due.flatMap((id) => bundleOf.get(id) ?? []))]
}

function followers(id: number, scene: Scene): ReadonlySet<number> {
  const found = new Set<number>()
  const waiting = [id]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    for (const reader of scene.graph.readers(next)) {
      if (found.has(reader) || !mayFollow(reader, scene)) continue
      found.add(reader)
      waiting.push(reader)
    }
  return found
}

function mayFollow(id: number, scene: Scene): boolean {
  const table = scene.tables.get(id)
  if (table === undefined || scene.running.has(id) || !mayBeGrouped(id, scene)) return false
  return table.schedule.kind === 'live' && table.scheduled && scene.now >= table.notBefore
}

/** G2. */
function ordered(bundle: ReadonlySet<number>, scene: Scene): ReadonlySet<number> {
  const { graph, running, tables } = scene
  const members = new Set<number>()
  for (const id of [...bundle].sort((a, b) => graph.wave(a) - graph.wave(b))) {
    const waits = [...graph.upstream(id)].some((above) => {
      if (bundle.has(above)) return !members.has(above)
      const table = tables.get(above)
      return running.has(above) || (table !== undefined && isDue(table, scene))
    })
    if (!waits) members.add(id)
  }
  return members
}

/** G4. */
function mayBeGrouped(id: number, { tables, bound }: Scene): boolean {
  const table = tables.get(id)
  return table !== undefined && table.quick && !table.timed && !table.reinitialize && !bound.has(id)
}
