export { startServer, TEST_SETTINGS, type Server, type ServerOptions } from './server.ts'
export { createTestDatabase, type ClientSettings, type TestDatabase, type TestDatabaseOptions } from './database.ts'
export { assertEqualToQuery, differences, type Difference } from './oracle.ts'
export { freshSeed, random, type Random } from './random.ts'
