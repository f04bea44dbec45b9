import type { Ast, JsonObject } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import type { Names } from './names.ts'
import type { Item, Plan } from './plan.ts'
import type { Scope } from './scope.ts'

/** A query level: a plan and its columns under the names that the SQL around it sees. */
export interface Level {
  readonly plan: Plan
  readonly outputs: readonly (Item & { readonly notNull: boolean })[]
}

export interface CommonTable {
  readonly name: string
  readonly select: JsonObject
  readonly columns: readonly string[]
  readonly environment: Environment
  /** The scope around the query that declares it. */
  readonly outer: Scope | null
  /** Its second side reads itself. */
  readonly recursive: boolean
}

/** How the query inside a recursion knows the rows of the last round. */
export interface OpenRecursion {
  readonly name: string
  readonly columns: readonly string[]
  /** The names under which the query sees them. */
  readonly shown: readonly string[]
}

export type Environment = ReadonlyMap<string, CommonTable>

export interface Source {
  readonly plan: Plan
  readonly scope: Scope
}

/** What the analysis of a clause may ask of the analysis of the queries inside it. */
export interface QueryAnalyser {
  readonly names: Names
  readonly facts: QueryFacts
  select(select: JsonObject, around: Environment, outer: Scope | null): Level
  /** The level of a view or a common table expression: analysed once, however often it is read. */
  shared(what: object, analyse: () => Level): Level
  /** Analyses the step of a recursion, in which the table stands for the rows of the last round. */
  recursing(table: CommonTable, open: OpenRecursion, analyse: () => Level): Level
  /** The recursion whose step is being analysed. */
  recursionOf(table: CommonTable): OpenRecursion | undefined
  commonTables(select: JsonObject, around: Environment, outer: Scope | null): Environment
  from(items: readonly Ast[], environment: Environment, outer: Scope | null): Source
  where(select: JsonObject, from: Source, environment: Environment): Plan
  output(select: JsonObject, source: Source, environment: Environment): Level
  named(level: Level): Level
  expression(node: Ast, scope: Scope): Ast
}
