import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import type { FuzzCase } from './case.ts'
import { generateCase } from './case-generator.ts'
import type { Features } from './features.ts'
import { storedRegressions, storeRegression } from './regressions.ts'
import { runCase, type Arena, type Failed, type Outcome, type Slow } from './run.ts'
import { shrink } from './shrink.ts'

/**
 * Many cases: the stored regressions first, then random ones, several at a time, each worker in a database of its own
 * that is replaced now and then.
 */
export interface CampaignOptions {
  readonly cases: number
  readonly seed: number
  /** So many cases of this seed were run already, and are left out; none when left out. */
  readonly from?: number
  readonly features?: Features
  readonly jobs?: number
  readonly serverUrl?: string
  readonly log?: (line: string) => void
  /** Stop after so many failures. */
  readonly maxFailures?: number
}

export interface Campaign {
  readonly cases: number
  readonly refreshes: number
  readonly failures: readonly { readonly subject: FuzzCase; readonly failed: Failed; readonly file: string }[]
  /** How often a stream table or a refresh was FULL without cause, by reason. */
  readonly surprises: ReadonlyMap<string, number>
  /** How often a stream table beyond what must be differential was FULL, by reason. */
  readonly full: ReadonlyMap<string, number>
  /** The slowest refreshes, the slowest first. */
  readonly slow: readonly Slow[]
}

interface Job {
  readonly subject: FuzzCase
  /** How it is replayed. */
  readonly name: string
  /** Among the cases of the seed; null: a stored one. */
  readonly number: number | null
}

const CASES_PER_DATABASE = 40
const WRITERS = 3

export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const log = options.log ?? (() => undefined)
  const stored = await storedRegressions()
  const failures: { subject: FuzzCase; failed: Failed; file: string }[] = []
  const surprises = new Map<string, number>()
  const full = new Map<string, number>()
  let slow: readonly Slow[] = []
  const counts = { cases: 0, refreshes: 0 }
  let next = 0

  const from = options.from ?? 0
  const underWay = new Set<number>()

  const take = (): Job | undefined => {
    if (failures.length >= (options.maxFailures ?? 5)) return undefined
    const index = next++
    const regression = stored[index]
    if (regression) return { subject: regression.case, name: regression.name, number: null }
    const number = from + index - stored.length
    if (number >= from + options.cases) return undefined
    underWay.add(number)
    const seed = seedOfCase(options.seed, number)
    return { subject: generateCase(seed, options.features), name: `--seed ${seed} --cases 1`, number }
  }
  const worker = async (_: unknown, number: number) => {
    await using stage = new Stage(number, options.serverUrl)
    for (let job = take(); job; job = take()) {
      const outcome = await stage.run(job.subject)
      counts.cases++
      if (job.number !== null) underWay.delete(job.number)
      if (counts.cases % 100 === 0) {
        const goOn = Math.min(from + Math.max(0, next - stored.length), ...underWay)
        log(`${counts.cases} cases, ${counts.refreshes} refreshes; to go on: --from ${goOn}`)
      }
      if (outcome.kind === 'passed') {
        counts.refreshes += outcome.refreshes
        slow = [...slow, outcome.slowest].sort((a, b) => b.ms - a.ms).slice(0, 5)
        for (const reason of outcome.surprises) {
          const before = surprises.get(reason) ?? 0
          if (before < 3) log(`FULL without cause (${job.name}): ${reason}`)
          surprises.set(reason, before + 1)
        }
        for (const reason of outcome.full) full.set(reason, (full.get(reason) ?? 0) + 1)
        continue
      }
      log(`FAILED ${outcome.what} ${outcome.key} (${job.name}); shrinking`)
      const small = await shrink(job.subject, outcome, (candidate) => stage.run(candidate))
      const file = await storeRegression(small.subject, small.failed)
      failures.push({ subject: small.subject, failed: small.failed, file })
    }
  }
  await Promise.all(Array.from({ length: options.jobs ?? 2 }, worker))
  return { ...counts, failures, surprises, full, slow }
}

/** The first case of a campaign has the campaign's own seed, so that one case is replayed by its seed alone. */
function seedOfCase(seed: number, index: number): number {
  return (seed + Math.imul(index, 0x9e3779b1)) >>> 0
}

/** A database with its connections, replaced after some cases so that catalogs stay small. */
class Stage implements AsyncDisposable {
  /** No other of this process has it: names of prepared transactions are the server's, and not a database's. */
  readonly #number: number
  readonly #serverUrl: string | undefined
  #current: { database: TestDatabase; arena: Arena } | undefined
  #runs = 0

  constructor(number: number, serverUrl: string | undefined) {
    this.#number = number
    this.#serverUrl = serverUrl
  }

  async run(subject: FuzzCase): Promise<Outcome> {
    if (this.#runs % CASES_PER_DATABASE === 0) await this[Symbol.asyncDispose]()
    this.#current ??= await open(this.#serverUrl)
    const schema = `fz${process.pid}_${this.#number}_${++this.#runs}`
    return runCase(this.#current.arena, subject, schema)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const current = this.#current
    this.#current = undefined
    if (!current) return
    await current.arena.freshet.close()
    await current.database.drop()
  }
}

async function open(serverUrl: string | undefined): Promise<{ database: TestDatabase; arena: Arena }> {
  const database = await createTestDatabase(serverUrl === undefined ? {} : { serverUrl })
  await database.database.query(raw(`alter database ${database.name} set lock_timeout = '300ms'`))
  // PostgreSQL 18 takes a column of one side for the other's where it joins a table with itself by its key, also where
  // only one of the two is in a grouping set: its own answer is wrong then
  await database.database.query(
    raw(`do $$ begin
      if exists (select from pg_settings where name = 'enable_self_join_elimination') then
        execute 'alter database ${database.name} set enable_self_join_elimination = off';
      end if;
    end $$`),
  )
  const freshet = await connect(database.url)
  await freshet.init()
  const writers = await Promise.all(Array.from({ length: WRITERS }, () => database.client()))
  for (const writer of writers) await writer.query(`set lock_timeout = '10ms'; set statement_timeout = '20s'`)
  return { database, arena: { freshet, writers } }
}
