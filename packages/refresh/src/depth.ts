import { type Queryable, raw } from '@freshet/core'
import { type Decision, leavesState } from './choose.ts'
import { answerCosts, type Experience } from './cost-model.ts'
import type { StoredPlan } from './definition.ts'

/**
 * What a full refresh brings to the present: the stream table and the state of its stages, or the answer alone, which is
 * what readers see. The state is left behind where AUTO preferred a full refresh for its time, and the answer takes less.
 *
 * It need not: stages read a table once where a correlated subquery of the query reads it for every row. So before the
 * answer alone was ever computed, the planner is asked, and afterwards the times that were measured.
 */
export type Depth = 'all' | 'answer'

/** `ask`: the planner decides. */
export function depthOf(plan: StoredPlan, decision: Decision | null, known: Experience): Depth | 'ask' {
  if (plan.answer === undefined || decision === null || !leavesState(decision)) return 'all'
  const costs = answerCosts(known, decision.sourceRows)
  if (costs === null) return 'ask'
  return costs.answerMs < costs.filledMs ? 'answer' : 'all'
}

/** What the planner thinks, as long as this process remembers the plan. */
export async function askPlanner(transaction: Queryable, plan: StoredPlan): Promise<Depth> {
  const known = asked.get(plan)
  if (known !== undefined) return known
  if (plan.answer === undefined) return 'all'
  const answer = await costOf(transaction, plan.answer.compute)
  let all = 0
  for (const { replace } of plan.tables) all += await costOf(transaction, replace.compute)
  const depth = answer < DOUBT * all ? 'answer' : 'all'
  asked.set(plan, depth)
  return depth
}

/** Costs are guesses, and one measurement corrects them: what seems not much more is tried. */
const DOUBT = 3

const asked = new WeakMap<StoredPlan, Depth>()

async function costOf(transaction: Queryable, statement: string): Promise<number> {
  const [line] = await transaction.query(raw(`explain ${statement}`))
  return Number(/\.\.([\d.]+) rows=/.exec(String(line?.['QUERY PLAN']))?.[1] ?? Infinity)
}
