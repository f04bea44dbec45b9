import type { Freshet } from '@freshet/client'
import { type Database, databaseWord, FreshetError, type Lease, toFreshetError, tryLease } from '@freshet/core'
import { type Breaker, breaker } from './backoff.ts'
import type { PipelineConfig } from './config/config.ts'
import { bury, buried, removeLetters, requestedLetters } from './dead-letters.ts'
import { encoded, type Encoding } from './encode.ts'
import type { Message } from './message.ts'
import type { Listener } from './notice.ts'
import { type Consumer, moveConsumer, openConsumer } from './outbox/consumer.ts'
import { findOutbox, type Outbox } from './outbox/outbox.ts'
import { parseOutboxPosition } from './outbox/position.ts'
import { lagStatement } from './outbox/read.ts'
import { trimOutbox } from './outbox/trim.ts'
import { pause } from './pause.ts'
import { readAhead } from './read-ahead.ts'
import { RefusedMessage } from './refused-message.ts'
import { keptPosition, startingAt } from './resume.ts'
import type { Sink } from './sink.ts'
import type { Source } from './source.ts'
import { outboxSource } from './sources/outbox-source.ts'
import { streamTableBeginning, streamTableSource } from './sources/stream-table-source.ts'

/**
 * One source, one consumer, one sink, for as long as it is wanted.
 *
 * Who holds the consumer's lease works: it opens the sink, learns where it stands, and delivers page after page, each with
 * its position. Any error ends that work, whatever it was: what is not known to be delivered is delivered again, by a new
 * sink, after a pause. So there is one way back, and it is the way of every start.
 */
export interface Pipeline {
  /** Of the relay, and of its consumer. */
  readonly name: string
  readonly config: PipelineConfig
  readonly freshet: Freshet
  readonly encoding: Encoding
  createSink(identity: string): Sink
  readonly listener: Listener
}

const LEASE_PAUSE_MS = 1_000
const UPKEEP_MS = 1_000
const TRIM_ROWS = 10_000

/** Ends when the signal does, after what is under way was delivered. */
export async function runPipeline(pipeline: Pipeline, signal: AbortSignal): Promise<void> {
  const { name, config, freshet, listener } = pipeline
  const health = breaker(config.breaker_failures)
  while (!signal.aborted) {
    try {
      const lease = await tryLease(freshet.database, `relay:${name}`)
      if (lease === null) {
        listener({ relay: name, kind: 'waiting' })
        await pause(LEASE_PAUSE_MS * (0.8 + 0.4 * Math.random()), signal)
        continue
      }
      try {
        await work(pipeline, lease, signal, health)
      } finally {
        await lease.release()
      }
    } catch (thrown) {
      const error = toFreshetError(thrown)
      if (error instanceof RefusedMessage) continue // it is among the dead letters by now
      const retryInMs = health.failed(error.retry === 'never' || error.retry === 'definition')
      listener({ relay: name, kind: 'failed', error, retryInMs, circuit: health.circuit })
      await pause(retryInMs, signal)
      health.trying()
    }
  }
  listener({ relay: name, kind: 'stopped' })
}

/** What a pipeline has while it works. */
interface Shift {
  readonly pipeline: Pipeline
  readonly database: Database
  readonly lease: Lease
  readonly consumer: Consumer
  readonly outbox: Outbox | null
  readonly source: Source
  readonly sink: Sink
  /** Everything up to here was delivered; and up to there it is recorded. */
  reached: string
  recorded: string
  /** Messages were given to the sink that wait for a position. */
  waiting: boolean
  /** Who delivers, one after the other. */
  turn: Promise<unknown>
}

async function work(pipeline: Pipeline, lease: Lease, signal: AbortSignal, health: Breaker): Promise<void> {
  const { database } = pipeline.freshet
  const word = await databaseWord(database)
  const sink = pipeline.createSink(`${word}.${pipeline.name}`)
  const ending = new AbortController()
  const stop = AbortSignal.any([signal, lease.lost, ending.signal])
  try {
    const outbox = 'outbox' in pipeline.config.source ? await findOutbox(database, pipeline.config.source.outbox) : null
    const { from } = pipeline.config
    const beginning = outbox === null ? { position: streamTableBeginning(from === 'now' ? 'now' : 'snapshot') } : from
    const consumer = await openConsumer(database, pipeline.name, outbox, beginning)
    const reached = startingAt(consumer, await sink.open())
    const source = await sourceOf(pipeline, outbox)
    const shift: Shift = {
      pipeline,
      database,
      lease,
      consumer,
      outbox,
      source,
      sink,
      reached,
      recorded: '',
      waiting: false,
      turn: Promise.resolve(),
    }
    await record(shift)
    pipeline.listener({ relay: pipeline.name, kind: 'started', position: reached })
    await together(ending, [deliverPages(shift, stop, ending, health), keepUp(shift, stop)])
    await record(shift)
  } finally {
    await sink.close()
  }
}

/** Half of what may be in flight is read while the other half is delivered. */
async function sourceOf({ config, freshet }: Pipeline, outbox: Outbox | null): Promise<Source> {
  const bound = { rows: Math.ceil(config.sink_max_inflight / 2), bytes: Math.ceil(config.sink_max_bytes / 2) }
  if (outbox !== null)
    return outboxSource(freshet.database, outbox, {
      ...bound,
      pollMinMs: config.poll_min_ms,
      pollMaxMs: config.poll_max_ms,
    })
  if ('stream_table' in config.source) return streamTableSource(freshet, config.source.stream_table, bound)
  throw new FreshetError('INTERNAL', 'a pipeline has no source')
}

async function deliverPages(shift: Shift, stop: AbortSignal, ending: AbortController, health: Breaker): Promise<void> {
  const { pipeline, database, sink, source } = shift
  const skipped = await buried(database, pipeline.name)
  for await (const page of readAhead(source.pages(shift.reached, stop))) {
    if (stop.aborted) return // what was read ahead is left to whoever comes next
    try {
      const alive = <T extends { readonly id: string }>(all: readonly T[]) =>
        skipped.size === 0 ? all : all.filter(({ id }) => !skipped.has(id))
      // of an event that makes several messages, one may be dead
      const messages = alive(await encoded(alive(page.events), pipeline.encoding))
      await inTurn(shift, async () => {
        // who keeps the position itself hears of every one of an outbox, though nothing may lead to it: it must not be behind
        // what is recorded; a stream table has many such
        if (messages.length > 0 || shift.waiting || shift.outbox !== null || sink.guarantee === 'at least once')
          await deliver(shift, messages, page.position)
        if (page.position === null) return
        shift.reached = page.position
        if (sink.guarantee === 'at least once') await record(shift)
      })
      health.succeeded()
    } catch (error) {
      ending.abort()
      if (error instanceof RefusedMessage) await layToRest(shift, error)
      throw error
    }
  }
}

async function deliver(shift: Shift, messages: readonly Message[], position: string | null): Promise<void> {
  const { pipeline, sink, consumer } = shift
  const began = performance.now()
  await sink.deliver(messages, position === null ? null : keptPosition(consumer, position))
  shift.waiting = position === null && (shift.waiting || messages.length > 0)
  if (messages.length === 0) return
  let bytes = 0
  for (const { value } of messages) bytes += value?.byteLength ?? 0
  const seconds = (performance.now() - began) / 1_000
  pipeline.listener({ relay: pipeline.name, kind: 'delivered', messages: messages.length, bytes, seconds })
}

async function layToRest({ pipeline, lease }: Shift, error: RefusedMessage): Promise<void> {
  await lease.guarded((transaction) => bury(transaction, pipeline.name, error))
  pipeline.listener({ relay: pipeline.name, kind: 'dead letter', id: error.refused.id, error })
}

/** Beside the deliveries: records where a sink that keeps its own position stands, trims, counts, and brings dead letters again. */
async function keepUp(shift: Shift, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await pause(UPKEEP_MS, stop)
    if (stop.aborted) return
    await redeliver(shift)
    await record(shift)
    if (shift.outbox === null) continue
    while ((await trimOutbox(shift.database, shift.outbox.name, TRIM_ROWS)) === TRIM_ROWS && !stop.aborted);
    await countLag(shift, shift.outbox)
  }
}

async function redeliver(shift: Shift): Promise<void> {
  const { pipeline, database } = shift
  const letters = await requestedLetters(database, pipeline.name)
  if (letters.length === 0) return
  await inTurn(shift, async () => {
    if (shift.waiting) return
    await deliver(shift, letters, shift.reached)
    await shift.lease.guarded((transaction) => removeLetters(transaction, letters))
    pipeline.listener({ relay: pipeline.name, kind: 'redelivered', messages: letters.length })
  })
}

async function countLag({ pipeline, database, recorded }: Shift, outbox: Outbox): Promise<void> {
  const { from } = parseOutboxPosition(recorded, {
    database: await databaseWord(database),
    stableName: outbox.stableName,
  })
  const [lag] = await database.query<{ rows: number }>(lagStatement(outbox, from))
  pipeline.listener({ relay: pipeline.name, kind: 'lag', messages: lag?.rows ?? 0 })
}

async function record(shift: Shift): Promise<void> {
  const { reached } = shift
  if (reached === shift.recorded) return
  await moveConsumer(shift.lease, shift.consumer, reached)
  shift.recorded = reached
  shift.source.delivered(reached)
}

/** One after the other; a failure is its own. */
function inTurn<T>(shift: Shift, task: () => Promise<T>): Promise<T> {
  const mine = shift.turn.then(task)
  shift.turn = mine.then(
    () => undefined,
    () => undefined,
  )
  return mine
}

/** When one ends, for whatever reason, so do the others; then the first failure is thrown. */
async function together(ending: AbortController, tasks: readonly Promise<void>[]): Promise<void> {
  let failure: { readonly error: unknown } | null = null
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task
      } catch (error) {
        failure ??= { error }
      } finally {
        ending.abort()
      }
    }),
  )
  const failed = failure as { readonly error: unknown } | null
  if (failed !== null) throw failed.error
}
