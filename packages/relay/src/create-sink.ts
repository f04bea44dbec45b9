import { resolve } from 'node:path'
import type { SinkConfig, WebhookConfig } from './config/config.ts'
import type { KafkaConfig } from './config/kafka.ts'
import type { NatsConfig } from './config/nats.ts'
import type { RabbitmqConfig } from './config/rabbitmq.ts'
import type { RedisConfig } from './config/redis.ts'
import { readTls } from './config/tls.ts'
import type { Sink } from './sink.ts'
import { fileSink } from './sinks/file.ts'
import { inboxSink } from './sinks/inbox.ts'
import { kafkaSink, type KafkaSinkOptions } from './sinks/kafka/kafka.ts'
import { natsSink, type NatsSinkOptions } from './sinks/nats/nats.ts'
import { rabbitmqSink, type RabbitmqSinkOptions } from './sinks/rabbitmq/rabbitmq.ts'
import { redisSink, type RedisSinkOptions } from './sinks/redis/redis.ts'
import { stdoutSink } from './sinks/stdout.ts'
import { type WebhookOptions, webhookSink } from './sinks/webhook.ts'

/** The sink that a configuration describes. Paths are as seen from the configuration's folder. */
export function createSink(config: SinkConfig, folder: string, identity: string): Sink {
  switch (config.kind) {
    case 'stdout':
      return stdoutSink()
    case 'file':
      return fileSink(resolve(folder, config.path))
    case 'inbox':
      return inboxSink({ databaseUrl: config.database, table: config.table })
    case 'webhook':
      return webhookSink(webhookOptions(config))
    case 'kafka':
      return kafkaSink(kafkaOptions(config, folder, identity))
    case 'nats':
      return natsSink(natsOptions(config, folder))
    case 'rabbitmq':
      return rabbitmqSink(rabbitmqOptions(config, folder))
    case 'redis':
      return redisSink(redisOptions(config, folder, identity))
  }
}

function webhookOptions({ kind: _kind, timeout_ms: timeoutMs, secret, ...rest }: WebhookConfig): WebhookOptions {
  return { ...rest, timeoutMs, ...(secret === undefined ? {} : { secret }) }
}

function kafkaOptions(config: KafkaConfig, folder: string, identity: string): KafkaSinkOptions {
  const { create_topics: create, client_id: clientId, sasl } = config
  return {
    identity,
    brokers: config.brokers,
    compression: config.compression,
    partitioner: config.partitioner,
    ...(config.partition === undefined ? {} : { partition: config.partition }),
    topics: config.topics,
    positionsTopic: config.positions_topic,
    transactionTimeoutMs: config.transaction_timeout_ms,
    createTopics:
      create === undefined ? null : { partitions: create.partitions, replicationFactor: create.replication_factor },
    ...(clientId === undefined ? {} : { clientId }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(config.tls === false ? {} : { tls: config.tls === true ? true : readTls(config.tls, folder) }),
  }
}

function natsOptions(
  { create_stream: create, name, credentials, tls, ...config }: NatsConfig,
  folder: string,
): NatsSinkOptions {
  return {
    servers: config.servers,
    topics: config.topics,
    acknowledgeMs: config.acknowledge_ms,
    createStream:
      create === undefined
        ? null
        : {
            name: create.name,
            subjects: create.subjects,
            replicas: create.replicas,
            duplicateWindowMs: create.duplicate_window_ms,
          },
    ...(name === undefined ? {} : { name }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(tls === false ? {} : { tls: tls === true ? {} : readTls(tls, folder) }),
  }
}

function rabbitmqOptions(
  { tls, create_queues: create, ...config }: RabbitmqConfig,
  folder: string,
): RabbitmqSinkOptions {
  return {
    url: config.url,
    exchange: config.exchange,
    routingKey: config.routing_key,
    queues: config.queues,
    createQueues: create ?? null,
    acknowledgeMs: config.acknowledge_ms,
    ...(tls === undefined ? {} : { tls: readTls(tls, folder) }),
  }
}

function redisOptions({ tls, ...config }: RedisConfig, folder: string, identity: string): RedisSinkOptions {
  return {
    identity,
    url: config.url,
    durability: config.durability,
    timeoutMs: config.timeout_ms,
    ...(tls === undefined ? {} : { tls: readTls(tls, folder) }),
  }
}
