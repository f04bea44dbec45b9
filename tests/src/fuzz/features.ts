/**
 * What a random query may hold beyond the basic operators (scan, filter, project, inner joins, UNION, GROUP BY with
 * plain aggregates, HAVING, DISTINCT, CTEs and subqueries in FROM). Every one is maintained differentially.
 */
export const FEATURES = [
  'outer-joins',
  'subqueries',
  'aggregates',
  'grouping-sets',
  'distinct-on',
  'set-operations',
  'windows',
  'limits',
  'functions',
  'laterals',
  'recursion',
  'values',
] as const

export type Feature = (typeof FEATURES)[number]
export type Features = ReadonlySet<Feature>

export const ALL_FEATURES: Features = new Set(FEATURES)

/** `all`, `basic`, or names with commas between them. */
export function parseFeatures(text: string): Features {
  if (text === 'all') return ALL_FEATURES
  if (text === 'basic') return new Set()
  return new Set(
    text.split(',').map((name) => {
      const found = FEATURES.find((feature) => feature === name)
      if (found === undefined) throw new Error(`--features takes all, basic or some of ${FEATURES.join(',')}`)
      return found
    }),
  )
}
