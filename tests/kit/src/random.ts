/**
 * A seeded source of random choices: the same seed makes the same choices on every machine. Good enough for tests
 * (mulberry32), and small enough to print: a failing case is replayed from the one number.
 */
export interface Random {
  readonly seed: number
  /** In [0, 1). */
  real(): number
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** One of the items, each as likely as its weight says. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T
  shuffle<T>(items: readonly T[]): T[]
  /** `count` different items, in random order; fewer when there are not so many. */
  sample<T>(items: readonly T[], count: number): T[]
  /** A generator of its own, so that what it draws does not disturb this one. */
  fork(): Random
}

export function random(seed: number): Random {
  let state = seed >>> 0
  const real = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const int = (low: number, high: number) => low + Math.floor(real() * (high - low + 1))
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new RangeError('nothing to pick from')
    return items[int(0, items.length - 1)] as T
  }
  const shuffle = <T>(items: readonly T[]): T[] => {
    const rest = [...items]
    const result: T[] = []
    while (rest.length > 0) result.push(...rest.splice(int(0, rest.length - 1), 1))
    return result
  }
  return {
    seed: seed >>> 0,
    real,
    int,
    chance: (probability) => real() < probability,
    pick,
    weighted: (items) => {
      let point = real() * items.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, item] of items) {
        point -= weight
        if (point < 0) return item
      }
      return pick(items)[1]
    },
    shuffle,
    sample: (items, count) => shuffle(items).slice(0, count),
    fork: () => random(int(0, 0xffff_ffff)),
  }
}

/** A seed that nobody chose, to be printed. */
export function freshSeed(): number {
  return Math.floor(Math.random() * 0x1_0000_0000)
}
