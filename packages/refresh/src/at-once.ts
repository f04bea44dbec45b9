import { FreshetError, type Queryable, type RefreshOptions, type Sql } from '@freshet/core'
import { SMALLEST } from './attempt.ts'
import { type Definition, spansNodes } from './definition.ts'
import type { StatementResult } from './differential.ts'
import { deltaStatement, planningOf, type Step, stepOf } from './unit-member.ts'

/**
 * The usual refresh of several stream tables in one transaction: little has changed, and the statements of all are sent in
 * one go, without waiting for the answer to any of them. Where one of them turns out not to be enough, those after it have
 * read what is not so: all of it is to be rolled back, and they are brought one by one.
 */
export class NotAtOnce extends Error {
  /** Where it was not enough. */
  readonly member: number

  constructor(member: number) {
    super(`a small delta is not enough for stream table ${member}`)
    this.member = member
  }
}

/** Whether deltas may be enough for all. */
export function mayBeAtOnce(members: readonly Definition[], options: RefreshOptions): boolean {
  return (
    options.full !== true &&
    members.every(
      (member) =>
        !spansNodes(member) &&
        member.plan.refresh !== null &&
        member.mode !== 'full' &&
        member.reinitialize === null &&
        !member.stateBehind &&
        member.status !== 'initializing' &&
        !member.snapshots.includes(null),
    )
  )
}

/** A step for each member, in their order; `last` is sent behind them. */
export async function bringAtOnce(
  transaction: Queryable,
  members: readonly Definition[],
  options: RefreshOptions,
  last: Sql,
): Promise<readonly Step[]> {
  const statements: Sql[] = []
  const places: number[] = []
  let planning = ''
  for (const member of members) {
    const settings = planningOf(member)
    const shown = JSON.stringify(settings.values)
    if (shown !== planning) statements.push(settings)
    planning = shown
    places.push(statements.push(await deltaStatement(member, SMALLEST, options)) - 1)
  }
  const started = performance.now()
  const answers = await transaction.batch([...statements, last], { prepared: true })
  const durationMs = (performance.now() - started) / members.length
  return members.map((member, i) => {
    const [result] = (answers[places[i] ?? -1] ?? []) as unknown as StatementResult[]
    if (result === undefined) throw new FreshetError('INTERNAL', `a refresh of ${member.stableName} answered nothing`)
    const step = result.changed ? null : stepOf(result)
    if (step === null) throw new NotAtOnce(member.id)
    return { ...step, durationMs }
  })
}
