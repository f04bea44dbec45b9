export { type CatalogSource, type CatalogTable, readCatalog } from './catalog.ts'
export { type Consequence, consequenceOf, retriesPage } from './consequence.ts'
export { type Clock, systemClock } from './clock.ts'
export {
  type CoordinatorOptions,
  type CoordinatorView,
  type RunningCoordinator,
  startCoordinator,
  type TableView,
} from './coordinator.ts'
export { type DueInput, type DueTable, nextWake, toPoll, toStart } from './due.ts'
export type { CoordinatorEvent, CoordinatorListener, TableRef } from './events.ts'
export { type DependencyGraph, dependencyGraph, type GraphNode } from './graph.ts'
export { isScheduled, LIFECYCLE_EVENTS, type LifecycleEvent, type Status, STATUSES, transition } from './lifecycle.ts'
export { pruneHistory } from './prune.ts'
export { createWorkers, type Workers, type WorkerShare } from './workers.ts'
