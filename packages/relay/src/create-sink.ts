import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { KafkaConfig, SinkConfig, WebhookConfig } from './config/config.ts'
import type { NatsConfig } from './config/nats.ts'
import type { Sink } from './sink.ts'
import { fileSink } from './sinks/file.ts'
import { inboxSink } from './sinks/inbox.ts'
import { kafkaSink, type KafkaSinkOptions } from './sinks/kafka/kafka.ts'
import { natsSink, type NatsSinkOptions } from './sinks/nats/nats.ts'
import { redisSink } from './sinks/redis/redis.ts'
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
      return natsSink(natsOptions(config))
    case 'redis':
      return redisSink({ identity, url: config.url, durability: config.durability, timeoutMs: config.timeout_ms })
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
    topics: config.topics,
    positionsTopic: config.positions_topic,
    transactionTimeoutMs: config.transaction_timeout_ms,
    createTopics:
      create === undefined ? null : { partitions: create.partitions, replicationFactor: create.replication_factor },
    ...(clientId === undefined ? {} : { clientId }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(config.tls === false ? {} : { tls: tlsOf(config.tls, folder) }),
  }
}

function tlsOf(tls: KafkaConfig['tls'], folder: string): NonNullable<KafkaSinkOptions['tls']> {
  if (typeof tls === 'boolean') return tls
  const content = (path: string) => readFileSync(resolve(folder, path), 'utf8')
  const { ca_file: ca, cert_file: cert, key_file: key, server_name: servername } = tls
  return {
    ...(ca === undefined ? {} : { ca: [content(ca)] }),
    ...(cert === undefined ? {} : { cert: content(cert) }),
    ...(key === undefined ? {} : { key: content(key) }),
    ...(servername === undefined ? {} : { servername }),
  }
}

function natsOptions({ create_stream: create, name, credentials, ...config }: NatsConfig): NatsSinkOptions {
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
  }
}
