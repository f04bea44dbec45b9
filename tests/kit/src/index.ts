export { freePort, startServer, TEST_SETTINGS, type Server, type ServerOptions } from './server.ts'
export { type Ending, type RestartableServer, startRestartableServer } from './restartable-server.ts'
export { createTestDatabase, type ClientSettings, type TestDatabase, type TestDatabaseOptions } from './database.ts'
export { countingLink, type Link } from './link.ts'
export { assertEqualToQuery, differences, differencesFrom, type Difference, type Held, heldBy } from './oracle.ts'
export { freshSeed, random, type Random } from './random.ts'
export { type Authority, type Certificate, createAuthority } from './certificates.ts'
export { type JavaRecord, type KafkaBroker, type KafkaOrNot, startKafka } from './kafka.ts'
export { type Cluster, type ClusterNode, startCluster } from './citus/cluster.ts'
export { findCitus } from './citus/find-citus.ts'
export {
  type ClusterDatabase,
  type ClusterDatabaseOptions,
  clusterUrls,
  createClusterDatabase,
} from './citus/cluster-database.ts'
export { type Service, type ServiceOrNot, type ServiceSecurity } from './service.ts'
export { queueIsDurable, startRabbitmq } from './rabbitmq.ts'
export { startNats, startRedis } from './services.ts'
