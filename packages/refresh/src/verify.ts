import { FreshetError, isFreshetError, isRefusal, type Queryable, raw, sql } from '@freshet/core'
import { type Attempt, SMALLEST, wider } from './attempt.ts'
import { copyReferences } from './citus/copies.ts'
import { ownTables } from './citus/output.ts'
import { compare, type Comparison } from './compare.ts'
import type { RefreshContext } from './context.ts'
import { findDefinition, loadDefinition, nameOf, spansNodes, type Definition } from './definition.ts'
import { lockState, recordFull, replaceAll } from './full.ts'
import { fullReason } from './full-reason.ts'
import { differentialStatement, type StatementResult } from './differential.ts'
import { refreshImmediate } from './immediate/refresh-immediate.ts'
import { markerReason } from './marker-reason.ts'
import { adapt } from './recompile.ts'
import { standHere } from './position.ts'
import { isRenamed, queryChanged } from './resolve/references.ts'
import { requireCapture, requireSources } from './require-sources.ts'
import { ENOUGH_MEMORY, oneSnapshot } from './sessions.ts'
import { refuseUnfinished } from './unfinished.ts'
import { bring } from './unit-member.ts'

/**
 * The audit: in one REPEATABLE READ snapshot the table is brought to that snapshot by its own deltas and compared with
 * its query.
 *
 * It costs what computing the query costs, and reading the table. Meanwhile readers and writers go on; refreshes of this
 * one table are answered `busy`.
 */
export interface Verification extends Comparison {
  readonly name: string
}

const ATTEMPTS = 20
const PATIENCE_MS = 30_000

export async function verifyStreamTable(context: RefreshContext, name: string): Promise<Verification> {
  const end = performance.now() + PATIENCE_MS
  for (let attempt = 1; ; attempt++) {
    const definition = await findDefinition(context.database, name)
    await refuseUnfinished(context.database, definition)
    if (spansNodes(definition)) await requireCapture(context, definition)
    else await requireSources(context.database, definition)
    try {
      // A view or a function that was replaced makes another query; the audit is of the one that it is now.
      if (attempt < ATTEMPTS && (await queryChanged(context.database, definition.id))) {
        if (definition.mode === 'immediate') await refreshImmediate(context, definition, { initiatedBy: 'verify' })
        else await adapt(context, definition)
        continue
      }
      return await oneSnapshot(
        context.database,
        { ...definition, own: ownTables([definition]) },
        async (transaction) => {
          await transaction.query(sql`select ${ENOUGH_MEMORY}`)
          if (definition.mode !== 'immediate') await lockState(transaction, definition.id, true)
          const current = await loadDefinition(transaction, definition.id)
          // Altered since it was looked at: its sources may be others than those that were locked.
          if (sourcesOf(current) !== sourcesOf(definition) || (await queryChanged(transaction, definition.id)))
            throw new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} was altered meanwhile`)
          // An immediate one is equal in every snapshot, or it is not.
          if (current.mode !== 'immediate') {
            const sources = current.plan.sources.map((source) => source.stableName)
            const takeBack = await context.capture.handOver(context.database, transaction, sources)
            await copyReferences(transaction, [current.plan])
            // One that is refreshed together with others is not moved alone: its audit leaves nothing behind.
            if (current.unit !== null) await transaction.query(raw('savepoint before_audit'))
            // who hands over may have noticed that all has to be computed anew
            if (spansNodes(current)) await bringPlaced(transaction, await loadDefinition(transaction, current.id))
            else await bringToSnapshot(transaction, current)
            if (current.unit !== null) {
              const comparison = await compare(transaction, current)
              await transaction.query(raw('rollback to savepoint before_audit'))
              await takeBack?.()
              return { name: nameOf(current), ...comparison }
            }
            await takeBack?.()
          }
          return { name: nameOf(current), ...(await compare(transaction, current)) }
        },
      )
    } catch (error) {
      if (isFreshetError(error, 'LOCK_TIMEOUT') && performance.now() < end) {
        // Holding nothing, it may wait for a refresh as long as that takes.
        if (definition.mode !== 'immediate')
          await context.database.transaction((transaction) => lockState(transaction, definition.id, true))
        attempt--
        continue
      }
      // Another refresher committed between this transaction's snapshot and its lock: take a newer snapshot.
      const again = isRefusal(error) || (await isRenamed(context.database, definition, error))
      if (!again || attempt === ATTEMPTS) throw error
    }
  }
}

function sourcesOf({ plan }: Definition): string {
  return plan.sources.map(({ oid }) => oid).join()
}

/** What reads other nodes: their changes have become rows of this transaction, and stay. */
async function bringPlaced(transaction: Queryable, definition: Definition): Promise<void> {
  const step = await bring(transaction, definition, { initiatedBy: 'verify' }, false)
  if (step === 'outdated') throw new FreshetError('TRANSACTION_CONFLICT', `${nameOf(definition)} was altered meanwhile`)
  if (step.action !== 'none') await standHere(transaction, definition.id)
}

async function bringToSnapshot(transaction: Queryable, definition: Definition): Promise<void> {
  const options = { initiatedBy: 'verify' }
  const reason = await fullReason(transaction, definition, options)
  if (reason === 'nothing pending') return
  if (reason === null) {
    const all = new Set(definition.plan.sources.map((source) => source.stableName))
    for (let attempt: Attempt | null = SMALLEST; attempt !== null;) {
      const [result]: StatementResult[] = await transaction.query<StatementResult>(
        await differentialStatement(definition, { changed: all, ...attempt }, options),
      )
      if (result === undefined) throw new FreshetError('INTERNAL', 'a refresh statement answered nothing')
      if (result.done || !result.pending) return
      attempt = result.truncated ? null : wider(definition, attempt, result.waiting)
    }
  }
  const result = await replaceAll(transaction, definition)
  await recordFull(transaction, definition, {
    action: 'full',
    reason: reason ?? (await markerReason(transaction, definition)),
    initiatedBy: options.initiatedBy,
    result,
  })
}
