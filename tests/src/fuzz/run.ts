import { DEFAULT_PATIENCE, FreshetError, isFreshetError, raw, whileRefused, writeSetting } from '@freshet/core'
import type { Freshet } from '@freshet/client'
import { differences, differencesFrom, type Held, heldBy } from '@freshet/testkit'
import pg from 'pg'
import { answerAlone, type AnswerStatement, answerStatement } from '../answer-alone.ts'
import type { FuzzCase, Step, Stream } from './case.ts'
import { printQuery } from './query.ts'

/**
 * Runs one case: creates its schema, takes the steps one after the other, and compares a stream table with its query
 * after every refresh. Nothing commits between a refresh and its comparison, so both see the same.
 *
 * At the end every transaction is ended, everything is refreshed and compared once more, a further refresh must find
 * nothing to do, and dropping the stream tables must leave the sources as they were.
 */
export type Outcome = Passed | Failed

export interface Passed {
  readonly kind: 'passed'
  /** Reasons of stream tables and refreshes that were FULL though the case gives no cause. */
  readonly surprises: readonly string[]
  /** Reasons of those that may be FULL, and are. */
  readonly full: readonly string[]
  readonly refreshes: number
  readonly slowest: Slow
}

/** A refresh of a few rows takes long where its statement is large. */
export interface Slow {
  readonly ms: number
  readonly seed: number
  readonly stream: string
}

export interface Failed {
  readonly kind: 'failed'
  /** `invalid`: PostgreSQL itself refuses the case; the fault is the generator's. */
  readonly what:
    | 'difference'
    | 'create failed'
    | 'refresh failed'
    | 'write failed'
    | 'not idle'
    | 'law broken'
    | 'left behind'
    | 'invalid'
  /** Tells faults of one kind apart: an error code, a column. */
  readonly key: string
  readonly detail: string
}

export interface Arena {
  readonly freshet: Freshet
  readonly writers: readonly pg.Client[]
}

/** What a writer's statement may answer without capture being to blame. */
const HARMLESS = new Set([
  '23502', // not null
  '23505', // unique
  '23514', // check of a domain
  '25P01', // no transaction: an earlier statement of it failed and it was rolled back
  '25P02',
  '3B001',
  '40001',
  '40P01',
  '42704', // COMMIT PREPARED of a transaction that failed before it was prepared
  '55P03', // the row is locked by another writer
])

/** Reasons of full refreshes that AUTO has by what they took. */
const BY_TIME = new Set(['CHEAPER', 'EXPLORED', 'STATE_BEHIND', 'STATE_KEPT'])

/** PostgreSQL prints some of what it has read so that it can not read it again: then nobody can. */
function isUnreadable(error: unknown): boolean {
  return isFreshetError(error, 'INVALID_QUERY') && error.message.startsWith('PostgreSQL can not read')
}

export async function runCase(arena: Arena, subject: FuzzCase, schema: string): Promise<Outcome> {
  const run = new Run(arena, subject, schema)
  try {
    return await run.play()
  } catch (error) {
    if (error instanceof Fault) return error.failed
    throw error
  } finally {
    await run.end()
  }
}

interface Created {
  readonly full: boolean
  readonly immediate: boolean
  readonly held: Held
  /** Null: there is no way to the answer alone. */
  readonly alone: AnswerStatement | null
}

class Fault extends Error {
  readonly failed: Failed

  constructor(what: Failed['what'], key: string, detail: string) {
    super(detail)
    this.failed = { kind: 'failed', what, key, detail }
  }
}

class Run {
  readonly #arena: Arena
  readonly #case: FuzzCase
  readonly #schema: string
  readonly #created = new Map<number, Created>()
  /** Not created; nor is what reads them. */
  readonly #left: string[] = []
  readonly #surprises: string[] = []
  readonly #full: string[] = []
  #refreshes = 0
  #slowest: Slow = { ms: 0, seed: 0, stream: '' }

  constructor(arena: Arena, subject: FuzzCase, schema: string) {
    this.#arena = arena
    this.#case = subject
    this.#schema = schema
  }

  async play(): Promise<Passed> {
    const { streams, steps } = this.#case
    await this.#setUp()
    const late = new Set(steps.flatMap((step) => (step.do === 'create' ? [step.stream] : [])))
    for (const index of streams.keys()) if (!late.has(index)) await this.#create(index)
    for (const step of steps) await this.#take(step)
    await this.end()
    for (const index of this.#created.keys()) await this.#refresh(index, false)
    await this.#mustPartition()
    for (const index of this.#created.keys()) await this.#mustBeIdle(index)
    for (const index of [...this.#created.keys()].reverse()) await this.#drop(index)
    await this.#mustBeClean()
    return {
      kind: 'passed',
      surprises: this.#surprises,
      full: this.#full,
      refreshes: this.#refreshes,
      slowest: this.#slowest,
    }
  }

  /** Ends what transactions are open, prepared ones too. */
  async end(): Promise<void> {
    for (const writer of this.#arena.writers) await writer.query('commit')
    const [first] = this.#arena.writers
    if (!first || !this.#case.steps.some((step) => step.do === 'sql' && step.sql.startsWith('prepare'))) return
    const { rows } = await first.query<{ gid: string }>(
      'select gid from pg_prepared_xacts where database = current_database() and starts_with(gid, $1)',
      [`${this.#schema}_`],
    )
    for (const { gid } of rows) await first.query(`commit prepared '${gid}'`)
  }

  async #setUp(): Promise<void> {
    const { setup, fill, views } = this.#case
    const statements = [
      'create schema fz.',
      ...setup,
      ...fill.map(({ table, rows }) => `insert into ${table} values ${rows.join(', ')} on conflict do nothing`),
      ...views.map(({ name, query }) => `create view ${name} as ${printQuery(query)}`),
    ]
    const script = this.#here(statements.join(';\n')).replace(
      `create schema ${this.#schema}.`,
      `create schema ${this.#schema}`,
    )
    await this.#orFault('invalid', this.#writer(0).query(script))
    await writeSetting(this.#arena.freshet.database, 'small_delta_rows', this.#case.smallDeltaRows ?? null)
  }

  async #take(step: Step): Promise<void> {
    if (step.do === 'sql') return this.#write(step.writer, this.#here(step.sql))
    if (step.do === 'create') return this.#create(step.stream)
    if (!this.#created.has(step.stream)) return
    if (step.do === 'refresh') await this.#refresh(step.stream, step.full)
    else await this.#drop(step.stream)
  }

  /** Writers that keep a stream table meet the errors of its query, and wait for each other. */
  get #immediate(): boolean {
    return this.#case.streams.some(({ mode }) => mode === 'immediate')
  }

  async #write(writer: number, sql: string): Promise<void> {
    try {
      await this.#writer(writer).query(sql)
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error
      await this.#writer(writer).query('rollback')
      const ofQuery = this.#immediate && error.code?.startsWith('22') === true
      if (!ofQuery && !HARMLESS.has(error.code ?? ''))
        throw new Fault('write failed', error.code ?? '', `${error.message}\n${error.where ?? ''}\n${sql}`)
    }
  }

  async #create(index: number): Promise<void> {
    const stream = this.#stream(index)
    if (this.#left.some((name) => this.#text(stream).includes(name))) {
      this.#left.push(this.#here(stream.name))
      return
    }
    const spec = { name: this.#here(stream.name), query: this.#text(stream), mode: stream.mode, schedule: 'manual' }
    // Locks are refused after 300 ms here, which an upkeep of the server that holds a table of the catalog may outlast.
    const create = (mode: typeof spec.mode) =>
      whileRefused(DEFAULT_PATIENCE.patienceMs, () => this.#arena.freshet.create({ ...spec, mode }))
    const creating = create(spec.mode).catch((error: unknown) => {
      if (isUnreadable(error)) return null
      if (!isFreshetError(error, 'NOT_IMMEDIATE')) throw error
      return create('auto')
    })
    const made = await this.#orFault('create failed', creating, spec.query)
    if (made === null) {
      this.#left.push(spec.name)
      return
    }
    const full = made.effectiveMode === 'full'
    if (full && stream.mode !== 'full') {
      // how long a statement becomes is nothing that a generator knows
      const mayBe = stream.mayBeFull || made.modeReason?.code === 'TOO_COMPLEX'
      const reasons = mayBe ? this.#full : this.#surprises
      const { code, detail } = made.modeReason ?? { code: 'no reason', detail: '' }
      reasons.push(`${code}: ${detail.replaceAll(/names \S+ of/g, 'names … of')}`)
    }
    if (this.#case.smallDeltaRows !== undefined && made.effectiveMode === 'differential') {
      const altering = whileRefused(DEFAULT_PATIENCE.patienceMs, () =>
        this.#arena.freshet.alter(spec.name, { mode: 'differential' }),
      )
      await this.#orFault('create failed', altering, spec.query)
    }
    const { database } = this.#arena.freshet
    const immediate = made.effectiveMode === 'immediate'
    const [held, alone] = [await heldBy(database, spec.name), await answerStatement(database, spec.name)]
    this.#created.set(index, { full, immediate, held, alone: immediate ? null : alone })
    await this.#compare(index, 'after create', true)
  }

  async #refresh(index: number, full: boolean): Promise<void> {
    const stream = this.#stream(index)
    await this.#mustAnswerAlone(index)
    const refreshed = this.#arena.freshet.refresh(this.#here(stream.name), {
      // that waits until nobody writes
      full: full && this.#created.get(index)?.immediate !== true,
      // of one that an immediate one reads: the writer who is in its way has its next turn after this
      ...(this.#immediate ? { patienceMs: 0 } : {}),
    })
    const refreshing = refreshed.catch((error: unknown) => {
      // an immediate one reads it, and a writer that keeps that has not ended
      if (this.#immediate && isFreshetError(error, 'LOCK_TIMEOUT')) return null
      throw error
    })
    const outcome = await this.#orFault('refresh failed', refreshing, this.#text(stream))
    if (outcome === null) return
    this.#refreshes++
    if (outcome.durationMs > this.#slowest.ms) {
      this.#slowest = { ms: outcome.durationMs, seed: this.#case.seed, stream: stream.name }
    }
    if (outcome.action === 'busy') throw new Fault('refresh failed', 'busy', 'nobody else refreshes')
    if (outcome.action === 'full' && !full && !this.#created.get(index)?.full && !this.#explained(outcome.reason)) {
      // by the sizes of tables, AUTO may choose it now and then
      const reasons = BY_TIME.has(outcome.reason ?? '') ? this.#full : this.#surprises
      reasons.push(`refresh: ${outcome.reason ?? 'no reason'}`)
    }
    await this.#compare(index, `after a refresh (${outcome.action})`)
  }

  /** Computed as AUTO does where it prefers a full refresh, with what is not committed left out. */
  async #mustAnswerAlone(index: number): Promise<void> {
    const { name } = this.#stream(index)
    const text = this.#text(this.#stream(index))
    const { alone, held } = this.#createdOf(index)
    if (alone === null) return
    const computing = answerAlone(this.#arena.freshet.database, alone, held, text).catch((error: unknown) => {
      // a writer that has not ended has locked what it would read
      if (isFreshetError(error, 'LOCK_TIMEOUT')) return []
      throw error
    })
    const found = await this.#orFault('refresh failed', computing, text)
    if (found.length === 0) return
    throw new Fault(
      'difference',
      'answer alone',
      `${name}:\n${found.map(({ side, row }) => `${side} ${row}`).join('\n')}`,
    )
  }

  #explained(reason: string | null): boolean {
    return reason === 'TRUNCATED' && this.#case.steps.some((step) => step.do === 'sql' && step.sql.includes('truncate'))
  }

  async #mustPartition(): Promise<void> {
    for (const { whole, parts } of this.#case.laws ?? []) {
      if (![whole, ...parts].every((index) => this.#created.has(index))) continue
      const together = parts.map((index) => {
        const { name, query } = this.#stream(index)
        const columns = query.kind === 'select' ? query.items.map((item) => item.name) : ['*']
        return `select ${columns.join(', ')} from ${this.#here(name)}`
      })
      const compared = differences(
        this.#arena.freshet.database,
        this.#here(this.#stream(whole).name),
        together.join(' union all '),
      )
      const found = await this.#orFault('invalid', compared)
      if (found.length > 0) throw new Fault('law broken', '', found.map(({ side, row }) => `${side} ${row}`).join('\n'))
    }
  }

  async #mustBeIdle(index: number): Promise<void> {
    if (this.#created.get(index)?.full) return
    const { action } = await this.#arena.freshet.refresh(this.#here(this.#stream(index).name))
    if (action !== 'none')
      throw new Fault('not idle', action, `${this.#stream(index).name} was refreshed twice without a change`)
  }

  async #drop(index: number): Promise<void> {
    await this.#orFault('left behind', this.#arena.freshet.drop(this.#here(this.#stream(index).name)))
    this.#created.delete(index)
  }

  async #mustBeClean(): Promise<void> {
    const { rows } = await this.#writer(0).query<{ name: string }>(
      `select format('trigger %s on %s', tgname, tgrelid::regclass) as name from pg_trigger
       where tgrelid in (select oid from pg_class where relnamespace = $1::regnamespace) and not tgisinternal`,
      [this.#schema],
    )
    if (rows.length > 0) throw new Fault('left behind', 'trigger', rows.map(({ name }) => name).join(', '))
  }

  async #compare(index: number, when: string, shape = false): Promise<void> {
    const stream = this.#stream(index)
    const query = this.#text(stream)
    const compared = differencesFrom(this.#arena.freshet.database, this.#createdOf(index).held, query, shape)
    const found = await this.#orFault('invalid', compared, query)
    if (found.length === 0) return
    const rows = found.map(({ side, row }) => `${side === 'extra' ? '+' : '-'} ${row}`).join('\n')
    throw new Fault('difference', '', `${stream.name} ${when}: + only in the table, - only in the answer\n${rows}`)
  }

  /** What PostgreSQL refuses of its own account is the generator's fault, whatever Freshet made of it. */
  async #orFault<T>(what: Failed['what'], work: Promise<T>, query?: string): Promise<T> {
    try {
      return await work
    } catch (error) {
      const code =
        error instanceof FreshetError ? error.code : error instanceof pg.DatabaseError ? error.code : undefined
      const key = `${code ?? 'not a FreshetError'}${error instanceof FreshetError && error.sqlState ? ` ${error.sqlState}` : ''}`
      const detail = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error)
      const invalid = query !== undefined && (await this.#refuses(query))
      throw new Fault(invalid ? 'invalid' : what, key, detail)
    }
  }

  async #refuses(query: string): Promise<boolean> {
    try {
      await this.#arena.freshet.database.query(raw(`select count(q) from (${query}) as q`))
      return false
    } catch (error) {
      if (error instanceof FreshetError) return true
      throw error
    }
  }

  #text(stream: Stream): string {
    return this.#here(printQuery(stream.query))
  }

  /** The case's text with the schema of this run. */
  #here(text: string): string {
    return text.replace(/\bfz\./g, `${this.#schema}.`).replace(/'fz_/g, `'${this.#schema}_`)
  }

  #stream(index: number): Stream {
    const stream = this.#case.streams[index]
    if (!stream) throw new Fault('invalid', 'stream', `there is no stream table ${index}`)
    return stream
  }

  #createdOf(index: number): Created {
    const created = this.#created.get(index)
    if (!created) throw new Fault('invalid', 'stream', `the stream table ${index} is not there`)
    return created
  }

  #writer(index: number): pg.Client {
    const writer = this.#arena.writers[index % this.#arena.writers.length]
    if (!writer) throw new Error('an arena needs a writer')
    return writer
  }
}
