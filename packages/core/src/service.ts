import { FreshetError } from './errors.ts'
import { parseDuration } from './schedule.ts'

/**
 * How well the schedulers look after a stream table.
 *
 * Its *SLA* is an objective: a change is visible within this long. Of what is due, they start what is nearest to the end
 * of that time; it makes nothing due. Its *tier* stretches the schedule: a warm one is asked about half as often as its
 * schedule says, a cold one a tenth as often, a frozen one not at all. *Atomic* ones are refreshed together.
 */
export type Tier = 'hot' | 'warm' | 'cold' | 'frozen'

export const TIERS: readonly Tier[] = ['hot', 'warm', 'cold', 'frozen']

/** What a person wants of it; left out, it has no SLA and is hot. */
export interface ServiceSpec {
  /** A change is visible within this long: a duration, such as '500ms' or '2s'. */
  readonly sla?: string
  readonly tier?: Tier
  /** The name of a group that is refreshed together; 'diamond': with what lies between it and what its sources share. */
  readonly atomic?: string
}

/** Shorter than this is what immediate stream tables are for. */
const SHORTEST_MS = 1

const LONGEST_MS = 366 * 86_400_000

/** In milliseconds. */
export function parseSla(text: string): number {
  const ms = parseDuration(text)
  if (ms !== null && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms
  throw new FreshetError('USAGE', `${JSON.stringify(text)} is not an SLA`, {
    hint: 'Give a duration of at most a year, such as 500ms, 2s, 1m or 1h.',
  })
}

const GROUP = /^[\p{L}_][\p{L}\p{N}_-]{0,62}$/u

/** The name of a group, or `diamond`. */
export function parseAtomic(text: string): string {
  if (GROUP.test(text) && text !== 'none') return text
  throw new FreshetError('USAGE', `${JSON.stringify(text)} is not the name of a group`, {
    hint: 'Begin with a letter, and go on with up to 62 letters, digits, - or _.',
  })
}

export function parseTier(text: string): Tier {
  const tier = TIERS.find((known) => known === text)
  if (tier !== undefined) return tier
  throw new FreshetError('USAGE', `${JSON.stringify(text)} is not a tier`, { hint: `There are ${TIERS.join(', ')}.` })
}
