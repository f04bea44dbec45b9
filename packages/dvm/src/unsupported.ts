/**
 * Why a query is not maintained differentially: a closed list. "Unsupported" is never "bug": the query is kept exact
 * by full refreshes, and the user is told the code, what was met, and what to do about it.
 */
export const REASONS = {
  SUBQUERY_EXPRESSION:
    'A subquery stands in a place where it is not differentiated: LIMIT, a full join that it asks about both sides of, an ordering of rows. Try a join.',
  CORRELATED:
    'The subquery holds an aggregate of the query around it, or one of your own, whose value over no rows is not known. Aggregate in a subquery in FROM.',
  LATERAL: 'An item of FROM is of a kind that is not differentiated. Give the columns of a function names.',
  WINDOW_FUNCTION:
    'A window function stands in a place where it is not differentiated. Compute it in a subquery of its own.',
  LIMIT:
    'ORDER BY with LIMIT over a set operation sorts by what is not an output column. Put the set operation in FROM.',
  GROUPING_SETS: 'There are more grouping sets than are maintained one by one.',
  RECURSIVE:
    'WITH RECURSIVE with SEARCH or CYCLE, inside a correlated subquery, or with a subquery that reads the recursive rows once more. Carry the path as an array, and join in place of the subquery.',
  SET_RETURNING_FUNCTION:
    'A function that returns a set stands in a place where it is not differentiated. Move it to FROM.',
  TABLE_SAMPLE: 'TABLESAMPLE gives another answer each time.',
  ONLY: 'FROM ONLY is not differentiated: the changes of a parent table include those of its children.',
  WHOLE_ROW:
    'The whole row of a subquery or of a stream table, whose type has no name. Name the columns, as in jsonb_build_object.',
  TIME_DEPENDENT:
    'The query reads the clock or the session (now(), current_user, …), or calls a stable function of yours that may read other tables, so its answer can change without any change of a source. Give the table a schedule such as 1m.',
  UNCAPTURED_SOURCE:
    'A source is a foreign table, a materialized view or a system catalog, whose changes can not be captured. Give the table a schedule.',
  KEY_TYPE:
    'The query groups or compares by a type whose values have no canonical form: text under a non-deterministic collation, a type of an extension, or what is made of these. Group by lower(x) or by x::text.',
  TOO_COMPLEX:
    'The statement that would maintain the query is so long that planning it takes longer than running it. Make a part of the query a stream table of its own.',
  CITUS_LIMIT:
    'Citus refuses a statement that the maintenance of this query by deltas needs; the detail is its message. Co-locate the tables that are joined, or make a part of the query a stream table of its own.',
  MODIFYING_CTE: 'A query that writes can not define a stream table.',
  PRINTER_GUARD: 'The query could not be printed safely. Please report it with its text.',
  REQUESTED: 'The mode is full.',
  OTHER: 'The query has a part that is not differentiated yet.',
} as const

/** The longest statement worth planning, in characters: PostgreSQL takes about a second for one of this length. */
export const MOST_CHARACTERS = 300_000

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
