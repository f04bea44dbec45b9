/**
 * The prepared statements of one connection.
 *
 * A plan is chosen for the tables as they are; a stream table that was planned while it was empty must not keep that
 * plan. So a statement is prepared again under a new name after two seconds, then after four, and so on up to a minute,
 * as young tables grow fastest; and its old name is retired. But planning takes no more than a tenth of the time: a long
 * statement over small changes is planned for longer than it runs, and a plan that has become a bad one soon has taken
 * ten times as long as a new one would. After ten minutes it is planned again in any case.
 * At most `CAPACITY` are kept; the least recently used goes first. Names are never reused: statements of the same text
 * that are under way keep the name they were sent with.
 */
export interface PreparedStatements {
  /** The name to run `text` under; the driver prepares it when the name is new to it. */
  nameOf(text: string): string
  /** How long a run took. The first one includes the planning, so that is what another planning takes at most. */
  took(text: string, name: string, ms: number): void
  /** After a failure: the next run prepares afresh. */
  forget(text: string): void
  /** Names that no later statement will use; the caller deallocates them. Empties the list. */
  retired(): readonly string[]
  /** Takes back names that could not be deallocated now. */
  retire(names: readonly string[]): void
}

const CAPACITY = 200
const FIRST_AGE_MS = 2_000
const MAX_AGE_MS = 60_000
const PLANNING_SHARE = 0.1
const LAST_AGE_MS = 600_000

interface Kept {
  readonly name: string
  readonly preparedAt: number
  /** So old it may be prepared again. */
  readonly ageMs: number
  /** Null before its first run has ended. */
  readonly first: number | null
  /** Of all later runs. */
  readonly spent: number
}

export function preparedStatements(now: () => number = () => performance.now()): PreparedStatements {
  const known = new Map<string, Kept>()
  let names = 0
  let leaving: string[] = []
  return {
    nameOf(text) {
      const found = known.get(text)
      known.delete(text) // the Map's order is the order of last use
      if (found !== undefined && isKept(found, now() - found.preparedAt)) {
        known.set(text, found)
        return found.name
      }
      if (found !== undefined) leaving.push(found.name)
      const name = `freshet_${++names}`
      const ageMs = found === undefined ? FIRST_AGE_MS : Math.min(found.ageMs * 2, MAX_AGE_MS)
      known.set(text, { name, preparedAt: now(), ageMs, first: null, spent: 0 })
      const [oldest] = known
      if (known.size > CAPACITY && oldest !== undefined) {
        known.delete(oldest[0])
        leaving.push(oldest[1].name)
      }
      return name
    },
    took(text, name, ms) {
      const found = known.get(text)
      if (found?.name !== name) return
      known.set(text, found.first === null ? { ...found, first: ms } : { ...found, spent: found.spent + ms })
    },
    forget(text) {
      const found = known.get(text)
      if (found === undefined) return
      known.delete(text)
      leaving.push(found.name)
    },
    retired() {
      const result = leaving
      leaving = []
      return result
    },
    retire(more) {
      leaving.push(...more)
    },
  }
}

function isKept({ ageMs, first, spent }: Kept, age: number): boolean {
  return age < ageMs || (age < LAST_AGE_MS && spent * PLANNING_SHARE < (first ?? 0))
}
