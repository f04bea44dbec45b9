export { compileQuery } from './compile.ts'
export { type PushedCompiler, refreshCompiler, type RefreshCompiler } from './refresh-compiler.ts'
export type { RefreshSteps } from './refresh-steps.ts'
export type { PushedReplacement, PushedState } from './pushed/replacements.ts'
export type { Scratch } from './pushed/scratch.ts'
export { isSpoiltByCitus } from './pushed/spoilt.ts'
export type { PushedStatements, QueueWindow, QueueWindows } from './pushed/statements.ts'
export type { Steps } from './steps.ts'
export { EXTENTS } from './compiled.ts'
export type {
  Compiled,
  CompiledSource,
  CompiledTable,
  CompileOptions,
  Extent,
  RefreshRecipe,
  ReplaceStatements,
  RefreshVariant,
  Target,
} from './compiled.ts'
export {
  relationKey,
  type ColumnFacts,
  type FunctionFacts,
  type QueryFacts,
  type RelationFacts,
  type TypeFacts,
} from './facts.ts'
export type { Lookup } from './lookups.ts'
export { missingIndexes, type MissingIndex, type TableIndexes } from './missing-indexes.ts'
export {
  compileImmediate,
  type ImmediateStatement,
  type ImmediateStatements,
  type NotesOf,
  type PendingTable,
} from './immediate-statement.ts'
export { loadParser, parseStatements, type ParsedStatements } from './parse.ts'
export { planQuery, wholeQuery, type Planned, type Probe, type Refusal } from './plan-query.ts'
export { renameRelations, type RenamedRelation, sameColumns } from './rename-relations.ts'
export { REASONS, type ReasonCode } from './unsupported.ts'
export { explainDot, explainPlan, explainText, type ExplainedNode } from './explain.ts'
