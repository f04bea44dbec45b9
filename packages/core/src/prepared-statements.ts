/**
 * The prepared statements of one connection.
 *
 * A plan is chosen for the tables as they are; a stream table that was planned while it was empty must not keep that
 * plan. So a statement is prepared again under a new name after two seconds, then after four, and so on up to a minute,
 * as young tables grow fastest; and its old name is retired.
 * At most `CAPACITY` are kept; the least recently used goes first. Names are never reused: statements of the same text
 * that are under way keep the name they were sent with.
 */
export interface PreparedStatements {
  /** The name to run `text` under; the driver prepares it when the name is new to it. */
  nameOf(text: string): string
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

export function preparedStatements(now: () => number = () => performance.now()): PreparedStatements {
  const known = new Map<string, { readonly name: string; readonly preparedAt: number; readonly ageMs: number }>()
  let names = 0
  let leaving: string[] = []
  return {
    nameOf(text) {
      const found = known.get(text)
      known.delete(text) // the Map's order is the order of last use
      if (found !== undefined && now() - found.preparedAt < found.ageMs) {
        known.set(text, found)
        return found.name
      }
      if (found !== undefined) leaving.push(found.name)
      const name = `freshet_${++names}`
      const ageMs = found === undefined ? FIRST_AGE_MS : Math.min(found.ageMs * 2, MAX_AGE_MS)
      known.set(text, { name, preparedAt: now(), ageMs })
      const [oldest] = known
      if (known.size > CAPACITY && oldest !== undefined) {
        known.delete(oldest[0])
        leaving.push(oldest[1].name)
      }
      return name
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
