export { decodeEnvelope } from './envelope/decode.ts'
export { decodeMessage, type ReadableFormat } from './envelope/read.ts'
export type { ReceivedEvent } from './envelope/received.ts'
export { ENVELOPE_VERSION } from './envelope/freshet.ts'
export { type LoadedConfig, parseConfig, type RelayConfig } from './config/config.ts'
export { type InboxConfig, kafkaInboxOptions, parseInboxConfig } from './config/inbox.ts'
export { redact } from './config/environment.ts'
export { type DeadLetter, listDeadLetters, requestLetters } from './dead-letters.ts'
export type { Transform } from './encode.ts'
export { type FormatName, FORMATS } from './envelope/envelope.ts'
export type { Format } from './envelope/format.ts'
export type { ChangeEvent, ChangeOp, JsonText, MessageEvent, Origin, RelayEvent } from './event.ts'
export {
  consumeInbox,
  type Handler,
  type InboxConsumer,
  type InboxFailure,
  type InboxOptions,
  revive,
} from './inbox/consume.ts'
export { type KafkaInbox, type KafkaInboxOptions, readKafka } from './inbox/from-kafka.ts'
export { type DeadMessage, listDead } from './inbox/dead.ts'
export { createInbox, type Inbox, receive, receiveDurably } from './inbox/inbox.ts'
export type { Message } from './message.ts'
export { type Beginning, type Consumer, dropConsumer, findConsumer, openConsumer, seek } from './outbox/consumer.ts'
export { type ConsumerStatus, listOutboxes, type OutboxStatus } from './outbox/list.ts'
export {
  createOutbox,
  dropOutbox,
  findOutbox,
  type Outbox,
  type OutboxSpec,
  type PayloadType,
} from './outbox/outbox.ts'
export { trimOutbox } from './outbox/trim.ts'
export {
  binaryOutboxWriter,
  type KyselyExecutor,
  type OutboxWriter,
  outboxWriter,
  type OutgoingMessage,
  type PgQueryable,
} from './outbox/write.ts'
export type { PipelineHealth, RelayHealth } from './health.ts'
export type { Listener, RelayNotice } from './notice.ts'
export { type Relay, type RelayOptions, startRelay } from './relay.ts'
export { RefusedMessage } from './refused-message.ts'
export type { Guarantee, Sink } from './sink.ts'
export { fileSink } from './sinks/file.ts'
export { inboxSink, type InboxSinkOptions } from './sinks/inbox.ts'
export type { KafkaAddress, KafkaCredentials } from './sinks/kafka/client.ts'
export { EVENT_ID_HEADER } from './sinks/kafka/event-id.ts'
export { kafkaSink, type KafkaSinkOptions } from './sinks/kafka/kafka.ts'
export type { NewTopics } from './sinks/kafka/topics.ts'
export { sign, type WebhookOptions, webhookSink } from './sinks/webhook.ts'
export { natsSink, type NatsCredentials, type NatsSinkOptions } from './sinks/nats/nats.ts'
export type { NewStream } from './sinks/nats/streams.ts'
export { rabbitmqSink, type RabbitmqSinkOptions } from './sinks/rabbitmq/rabbitmq.ts'
export type { QueueType } from './sinks/rabbitmq/topology.ts'
export type { TlsOptions } from './sinks/tls.ts'
export { redisSink, type RedisSinkOptions } from './sinks/redis/redis.ts'
export { stdoutSink } from './sinks/stdout.ts'
export type { Source, SourcePage } from './source.ts'
export { outboxSource, type OutboxSourceOptions } from './sources/outbox-source.ts'
export {
  streamTableBeginning,
  streamTableSource,
  type StreamTableSourceOptions,
} from './sources/stream-table-source.ts'
