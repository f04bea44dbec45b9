import { connect, type Freshet } from '@freshet/client'
import { createTestDatabase, differences } from '@freshet/testkit'
import { changeRound } from './changes.ts'
import { createTpch } from './fill.ts'
import { tpchQueries } from './queries.ts'

/**
 * A stream table for each query, rounds of changes in every table, and after each round the oracle: table and query,
 * EXCEPT ALL, both ways. Every refresh has to be a differential one, or have nothing to do where the mode is immediate.
 */
export interface CampaignOptions {
  /** FRESHET_TEST_DATABASE_URL when left out. */
  readonly serverUrl?: string
  readonly scale: number
  readonly rounds: number
  readonly seed: number
  /** Share of the rows of each table that a round changes. */
  readonly fraction: number
  /** Names of queries; all 22 when left out. */
  readonly queries?: readonly string[]
  /** How the stream tables are kept; by refreshes when left out. An immediate one is kept by the changes themselves. */
  readonly mode?: 'differential' | 'immediate'
  readonly log?: (line: string) => void
}

export interface CampaignReport {
  /** How each stream table is maintained: `differential`, or the reason why not. */
  readonly modes: Readonly<Record<string, string>>
  /** What differed, failed or fell back; empty when all is right. */
  readonly failures: readonly string[]
  /** Stream tables that had rows after a round. */
  readonly filled: readonly string[]
  readonly differentialRefreshes: number
}

export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const log = options.log ?? (() => undefined)
  await using database = await createTestDatabase(
    options.serverUrl === undefined ? {} : { serverUrl: options.serverUrl },
  )
  const freshet = await connect(database.url)
  database.defer(() => freshet.close())
  const client = await database.client()
  const sizes = await createTpch(client, options.scale, options.seed)
  const queries = tpchQueries(options.queries)
  const modes: Record<string, string> = {}
  for (const { name, sql } of queries) {
    const mode = options.mode ?? 'differential'
    const { effectiveMode, modeReason } = await freshet.create({ name, query: sql, schedule: 'manual', mode })
    modes[name] = modeReason === null ? effectiveMode : `${modeReason.code}: ${modeReason.detail}`
    log(`${name} ${modes[name]}`)
  }
  const failures: string[] = []
  const filled = new Set<string>()
  let differentialRefreshes = 0
  for (let round = 1; round <= options.rounds && failures.length === 0; round++) {
    for (const statement of changeRound({
      sizes,
      seed: options.seed + round,
      fraction: options.fraction,
      everywhere: true,
    })) {
      await client.query(statement)
    }
    for (const { name, sql } of queries) {
      const { failure, action } = await refreshAndCompare(freshet, name, sql)
      if (failure !== null) failures.push(`round ${round}, ${name}: ${failure}`)
      if (action === 'differential') differentialRefreshes++
      const { rows } = await client.query<{ some: boolean }>(`select exists (select from ${name}) as some`)
      if (rows[0]?.some === true) filled.add(name)
    }
    log(`round ${round}: ${failures.length === 0 ? 'equal' : failures.join('\n')}`)
  }
  return { modes, failures, filled: [...filled], differentialRefreshes }
}

interface Step {
  readonly action: string
  readonly failure: string | null
}

async function refreshAndCompare(freshet: Freshet, name: string, query: string): Promise<Step> {
  try {
    const { action, reason } = await freshet.refresh(name)
    if (action === 'full') return { action, failure: `refreshed in full: ${reason}` }
    const found = await differences(freshet.database, name, query)
    return { action, failure: found.length === 0 ? null : found.map(({ side, row }) => `${side} ${row}`).join('\n') }
  } catch (error) {
    return { action: 'failed', failure: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }
  }
}
