import type { RefreshRecipe, RefreshVariant } from './compiled.ts'
import { relationKey, type QueryFacts } from './facts.ts'
import { planQuery } from './plan-query.ts'
import { type PushedReplacement, pushedReplacements, type PushedState, pushedStates } from './pushed/replacements.ts'
import type { PushedPlaces } from './pushed/scratch.ts'
import { planOnShards, type Sharding } from './pushed/sharded-plan.ts'
import { type PushedStatements, pushedStatements, type QueueWindows } from './pushed/statements.ts'
import { refreshStatement } from './refresh-statement.ts'
import { type RefreshSteps, refreshSteps, type StepArguments } from './refresh-steps.ts'
import { stagePlan } from './staged-plan.ts'

/** Compiles a stream table's refresh statements as they are needed; each is compiled once. */
export interface RefreshCompiler {
  statement(variant: RefreshVariant): string
  steps(variant: RefreshVariant, known: StepArguments): RefreshSteps
  /** Null: not of this query. */
  onShards(places: PushedPlaces & Sharding): PushedCompiler | null
}

/** Of a refresh that Citus runs on the shards. */
export interface PushedCompiler {
  readonly states: readonly PushedState[]
  /** Of a full refresh, stage by stage. Null: not of this query. */
  replacements(): readonly PushedReplacement[] | null
  /** Null: the same, or nothing of it can have changed. */
  statements(queues: QueueWindows): PushedStatements | null
}

/** The parser must be loaded. Planning is pure, so the same recipe gives the plan that the tables were made for. */
export function refreshCompiler(recipe: RefreshRecipe): RefreshCompiler {
  const facts: QueryFacts = {
    definition: recipe.definition,
    columns: recipe.columns,
    relations: new Map(recipe.relations.map((relation) => [relationKey(relation.schema, relation.table), relation])),
    functions: recipe.functions,
    timeDependent: null,
  }
  const planned = planQuery(facts)
  if (planned.unsupported !== null)
    throw new TypeError(`a recipe for what can not be differentiated: ${planned.unsupported.detail}`)
  const { target, smallDeltaRows } = recipe
  const types = new Map(Object.entries(recipe.types))
  const plan = { ...stagePlan(facts, planned, types, target), target, smallDeltaRows }
  const compiled = new Map<string, string>()
  return {
    statement(variant) {
      const windows = plan.sources.map(({ stableName }) => [
        variant.changed.has(stableName),
        variant.few?.has(stableName) === true,
      ])
      const key = JSON.stringify([windows, variant.extent, variant.emits])
      const text = compiled.get(key) ?? refreshStatement(plan, variant)
      compiled.set(key, text)
      return text
    },
    steps: (variant, known) => refreshSteps(plan, variant, known),
    onShards({ distribution, column, ...places }) {
      const sharded = planOnShards(facts, planned, types, target, { distribution, column })
      if (sharded === null) return null
      return {
        states: pushedStates(sharded),
        replacements: () => pushedReplacements(sharded, places),
        statements: (queues) => pushedStatements(sharded, queues, places),
      }
    },
  }
}
