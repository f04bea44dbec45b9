import type { RefreshRecipe, RefreshVariant } from './compiled.ts'
import { relationKey, type QueryFacts } from './facts.ts'
import { planQuery } from './plan-query.ts'
import { type PushedPlaces, type PushedStatements, pushedStatements } from './pushed-statements.ts'
import { refreshStatement } from './refresh-statement.ts'
import { type RefreshSteps, refreshSteps, type StepArguments } from './refresh-steps.ts'
import { stagePlan } from './staged-plan.ts'

/** Compiles a stream table's refresh statements as they are needed; each is compiled once. */
export interface RefreshCompiler {
  statement(variant: RefreshVariant): string
  steps(variant: RefreshVariant, known: StepArguments): RefreshSteps
  /** Null: not of this query. */
  pushed(places: PushedPlaces): PushedStatements | null
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
      const changed = plan.sources.map((source) => variant.changed.has(source.stableName))
      const key = JSON.stringify([changed, variant.extent, variant.emits])
      const text = compiled.get(key) ?? refreshStatement(plan, variant)
      compiled.set(key, text)
      return text
    },
    steps: (variant, known) => refreshSteps(plan, variant, known),
    pushed: (places) => pushedStatements(stagePlan(facts, planned, types, target, 'beside'), places),
  }
}
