import { triggerCapture } from '@freshet/cdc'
import { connect as connectDatabase, type Database, FreshetError, migrate, type RefreshOptions, requireSchema, trimBuffer } from '@freshet/core'
import {
  alterStreamTable,
  createRefresher,
  createStreamTable,
  type Definition,
  describeStreamTables,
  dropStreamTable,
  examine,
  explain,
  findDefinition,
  historyOf,
  listDefinitions,
  loadDefinition,
  nameOf,
  pauseStreamTable,
  type RefreshContext,
  resumeStreamTable,
  statusOf,
  verifyStreamTable,
} from '@freshet/refresh'
import type { Freshet, StreamTable } from './freshet.ts'
import { refreshOrder } from './order.ts'
import { withPatience } from './patience.ts'

export interface ConnectOptions {
  readonly databaseUrl: string
  /** Connections at most. Default 10. */
  readonly poolSize?: number
  /** Shown in pg_stat_activity. Default `freshet`. */
  readonly applicationName?: string
}

/** Change rows that a refresh by hand removes at most afterwards. */
const TRIM_ROWS = 10_000

/** Connects to a database, by its URL alone or with options. Nothing is created before `init()`. */
export async function connect(to: string | ConnectOptions): Promise<Freshet> {
  const { databaseUrl, ...rest } = typeof to === 'string' ? { databaseUrl: to } : to
  return createFreshet(await connectDatabase({ url: databaseUrl, ...rest }))
}

/** Wires the packages together over a database port; `close()` closes it. */
export function createFreshet(database: Database): Freshet {
  const context: RefreshContext = { database, capture: triggerCapture() }
  const refresher = createRefresher(context)

  const get = async (id: number): Promise<StreamTable> => {
    const [table] = await describeStreamTables(database, id)
    if (table === undefined) throw new FreshetError('UNKNOWN_STREAM_TABLE', `there is no stream table ${id} any more`)
    return table
  }
  const find = async (name: string) => {
    await requireSchema(database)
    return findDefinition(database, name)
  }

  /** Where nobody schedules, whoever refreshes also removes what every reader has read. */
  const refreshByHand = async (definition: Definition, options: RefreshOptions) => {
    const outcome = await withPatience(nameOf(definition), () => refresher.refresh(definition.id, options))
    if (outcome.action !== 'none') {
      for (const source of definition.plan.sources) await trimBuffer(database, context.capture, source.stableName, TRIM_ROWS)
    }
    return outcome
  }

  return {
    database,
    refresher,
    capture: context.capture,
    async init() {
      const report = await migrate(database)
      return { applied: report.applied, schemaVersion: report.schemaVersion }
    },
    async create(spec, progress) {
      const definition = await createStreamTable(context, spec, progress)
      return get(definition.id)
    },
    async alter(name, change, progress) {
      await requireSchema(database)
      const definition = await alterStreamTable(context, name, change, progress)
      return get(definition.id)
    },
    async drop(name, dropOptions) {
      await requireSchema(database)
      return dropStreamTable(context, name, dropOptions)
    },
    async list() {
      await requireSchema(database)
      return describeStreamTables(database)
    },
    async get(name) {
      return get((await find(name)).id)
    },
    async refresh(name, refreshOptions = {}) {
      const definition = await find(name)
      return refreshByHand(definition, refreshOptions)
    },
    async refreshAll(refreshOptions = {}) {
      await requireSchema(database)
      const tables = (await describeStreamTables(database)).filter((table) => table.status === 'active' || table.status === 'paused')
      const results: { name: string; outcome: Awaited<ReturnType<Freshet['refresh']>> }[] = []
      for (const table of refreshOrder(tables)) {
        results.push({ name: table.name, outcome: await refreshByHand(await loadDefinition(database, table.id), refreshOptions) })
      }
      return results
    },
    async verify(name) {
      await requireSchema(database)
      return verifyStreamTable(context, name)
    },
    async explain(subject) {
      await requireSchema(database)
      return explain(database, subject)
    },
    async pause(name) {
      await requireSchema(database)
      await pauseStreamTable(context, name)
    },
    async resume(name) {
      await requireSchema(database)
      await resumeStreamTable(context, name)
    },
    async status() {
      await requireSchema(database)
      return statusOf(database, await listDefinitions(database))
    },
    async history(historyOptions = {}) {
      await requireSchema(database)
      const definition = historyOptions.name === undefined ? null : await findDefinition(database, historyOptions.name)
      return historyOf(database, definition, historyOptions.limit ?? 50)
    },
    doctor: () => examine(context),
    close: () => database.close(),
  }
}

