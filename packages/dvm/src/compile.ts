import type {
  Compiled,
  CompiledSource,
  CompiledTable,
  CompileOptions,
  RefreshRecipe,
  RefreshVariant,
  ReplaceStatements,
  Target,
} from './compiled.ts'
import type { QueryFacts, TypeFacts } from './facts.ts'
import { lookupsOf } from './lookups.ts'
import { queryText, wholeQuery, type Planned } from './plan-query.ts'
import { q } from './print/text.ts'
import { refreshStatement } from './refresh-statement.ts'
import { replaceStatements } from './replace-statement.ts'
import { answerOf } from './stage/answer.ts'
import { ROW_ORDINAL } from './stage/key.ts'
import { type AnyStage, indexesOf, type Stages } from './stage/stages.ts'
import { createTable, tableName } from './stage/state-table.ts'
import { stagePlan } from './staged-plan.ts'
import { MOST_CHARACTERS, Unsupported } from './unsupported.ts'

/**
 * The second half of the compiler: a plan and the types of its columns become stages, and the stages become the
 * tables and statements that keep the stream table.
 */
export function compileQuery(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  options: CompileOptions,
): Compiled {
  try {
    return compilePlan(facts, planned, types, target, options)
  } catch (error) {
    // What only the types tell: a key that has no canonical form, an output that can not be printed.
    if (!(error instanceof Unsupported) || planned.unsupported !== null) throw error
    return compilePlan(facts, wholeQuery(facts, { code: error.reason, detail: error.message }), types, target, options)
  }
}

function compilePlan(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  options: CompileOptions,
): Compiled {
  const { stages, sources } = stagePlan(facts, planned, types, target)
  const differential = planned.unsupported === null
  const { smallDeltaRows } = options
  // What can not be compiled is found out now, not by the first refresh.
  if (differential) refreshStatement({ stages, sources, target, smallDeltaRows }, everything(sources), MOST_CHARACTERS)
  const { key } = stages.last.table
  const answer = differential && target.onNodes !== true ? answerStatements(facts, stages, target) : null
  return {
    effectiveMode: differential ? 'differential' : 'full',
    refusal: planned.unsupported,
    storage: key.kind === 'row' ? 'bag' : key.kind === 'single' ? 'single' : 'keyed',
    keyColumns: key.kind === 'columns' ? key.columns.map((column) => column.name) : [],
    sources,
    tables: stages.order.map(({ stage, input }) => compileTable(stage, input, stage === stages.last ? target : null)),
    ...(answer === null ? {} : { answer }),
    refresh: differential ? recipe(facts, types, target, smallDeltaRows) : null,
    lookups: lookupsOf(planned.query),
    ...(target.onNodes === true && key.kind !== 'single'
      ? { distributable: key.columns.flatMap(({ name }) => (name === ROW_ORDINAL ? [] : [name])) }
      : {}),
  }
}

/** Without inner stages, the state of the last one is hardly more than the answer. */
function answerStatements(facts: QueryFacts, { inner, last }: Stages, target: Target): ReplaceStatements | null {
  const answer = inner.size === 0 ? null : answerOf(last, queryText(facts))
  return answer && replaceStatements(answer.table, answer.rows, target)
}

/** The statement that reads every source, takes any number of changes and emits: it has all that others have. */
function everything(sources: readonly CompiledSource[]): RefreshVariant {
  return { changed: new Set(sources.map((source) => source.stableName)), extent: 'churned', emits: true }
}

function recipe(
  facts: QueryFacts,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  smallDeltaRows: number,
): RefreshRecipe {
  const { definition, columns, functions } = facts
  // the target comes from the caller, and may be more than a target
  const { schema, table, stableName, stageSchema, onNodes } = target
  return {
    definition,
    columns,
    relations: [...facts.relations.values()],
    functions,
    types: Object.fromEntries(types),
    target: { schema, table, stableName, stageSchema, ...(onNodes === true ? { onNodes } : {}) },
    smallDeltaRows,
  }
}

function compileTable(stage: AnyStage, input: string, target: Target | null): CompiledTable {
  const { table } = stage
  const fill = stage.fill(input)
  const columns = table.columns.map((column) => q(column.name)).join(', ')
  return {
    schema: table.schema,
    table: table.table,
    create: createTable(table),
    indexes: indexesOf(stage),
    fill: `insert into ${tableName(table)} (${columns})\n${fill}`,
    replace: replaceStatements(table, fill, target),
    visibleColumns: table.columns.filter((column) => column.visible).map((column) => column.name),
  }
}
