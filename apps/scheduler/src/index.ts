export type {
  DatabasesAnswer,
  GraphAnswer,
  GraphNode,
  HistoryAnswer,
  RefreshEntry,
  SeriesAnswer,
  StatusAnswer,
  TableStatus,
} from './api.ts'
export { DEFAULT_HOST, DEFAULT_PORT, LOG_LEVELS, type LogLevel, readServingConfig } from './config.ts'
export type { FeedAccess } from './feeds.ts'
export { METRICS, metricsPage } from './metrics.ts'
export { type Scheduler, type SchedulerOptions, startScheduler } from './scheduler.ts'
export type { Sample } from './series.ts'
