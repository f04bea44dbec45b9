export { changeCapture } from './capture.ts'
export type { NodeEvent, NodeRef } from './citus/reach.ts'
export {
  type CollectorEvent,
  type ShardCollector,
  shardCollector,
  type ShardCollectorOptions,
} from './citus/shard-collector.ts'
export { triggerCapture, type TriggerCaptureOptions } from './trigger-capture.ts'
export { type WalStream, type WalStreamEvent, type WalStreamOptions, walStream } from './wal/wal-stream.ts'
