/** TPC-H for whoever measures with it: `@freshet/tests/tpch`. */
export { changeRound, type ChangeOptions } from './changes.ts'
export { createTpch } from './fill.ts'
export { TPCH_QUERIES, tpchQueries, type TpchQuery } from './queries.ts'
export type { Sizes } from './rows.ts'
export { TABLES } from './schema.ts'
