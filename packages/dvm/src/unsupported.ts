/**
 * Why a query is not maintained differentially: a closed list. "Unsupported" is never "bug": the query is kept exact
 * by full refreshes, and the user is told the code, what was met, and what to do about it.
 */
export const REASONS = {
  SUBQUERY_EXPRESSION: 'A subquery stands in a place where it is not differentiated yet. Try a join.',
  CORRELATED:
    'The subquery names the query around it in a way that can not be turned into a join. Compare columns with = in its WHERE.',
  SCALAR_NOT_UNIQUE: 'The scalar subquery may return more than one row. Let it select by a primary key, or aggregate.',
  LATERAL: 'A lateral subquery, JSON_TABLE or XMLTABLE in FROM is not differentiated yet. Set-returning functions are.',
  WINDOW_FUNCTION:
    'A window function stands in a place where it is not differentiated. Compute it in a subquery of its own.',
  LIMIT:
    'ORDER BY with LIMIT over a set operation sorts by what is not an output column. Put the set operation in FROM.',
  GROUPING_SETS: 'There are more grouping sets than are maintained one by one.',
  RECURSIVE: 'WITH RECURSIVE is not differentiated yet.',
  SET_RETURNING_FUNCTION:
    'A function that returns a set stands in a place where it is not differentiated. Move it to FROM.',
  TABLE_SAMPLE: 'TABLESAMPLE gives another answer each time.',
  ONLY: 'FROM ONLY is not differentiated: the changes of a parent table include those of its children.',
  WHOLE_ROW: 'Whole-row references are not differentiated yet. Name the columns.',
  TIME_DEPENDENT:
    'The query reads the clock or the session (now(), current_user, …), or calls a stable function of yours that may read other tables, so its answer can change without any change of a source. Give the table a schedule such as 1m.',
  UNCAPTURED_SOURCE:
    'A source is a foreign table, a materialized view or a system catalog, whose changes can not be captured. Give the table a schedule.',
  KEY_TYPE: 'The query groups or compares by a type whose values have no order or no canonical form.',
  MODIFYING_CTE: 'A query that writes can not define a stream table.',
  PRINTER_GUARD: 'The query could not be printed safely. Please report it with its text.',
  REQUESTED: 'The mode is full.',
  OTHER: 'The query has a part that is not differentiated yet.',
} as const

export type ReasonCode = keyof typeof REASONS

/** Thrown inside the compiler when it meets something it has no law for; caught at its door. */
export class Unsupported extends Error {
  readonly reason: ReasonCode

  constructor(reason: ReasonCode, detail: string) {
    super(detail)
    this.name = 'Unsupported'
    this.reason = reason
  }
}
