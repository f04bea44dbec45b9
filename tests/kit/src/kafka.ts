import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { scramUsers, secured } from './kafka-security.ts'
import { freePort } from './server.ts'
import type { ServiceSecurity } from './service.ts'

/**
 * A real Kafka broker (KRaft, one node, loopback only) on Java, from the artifacts that Maven brings. It ends when `stop` is
 * called, and also when this process dies: a shell waits for the end of its standard input, and kills the broker then.
 */
export interface KafkaBroker extends AsyncDisposable {
  /** `host:port` */
  readonly address: string
  /** SIGKILL, as of a host that fails; null where the broker is not a process of this machine. */
  readonly kill: (() => Promise<void>) | null
  /** Starts it again, on the same port and data. */
  readonly restart: (() => Promise<void>) | null
  /** Where it was asked for: the addresses that speak TLS, as `localhost`, without and with a login. */
  readonly secured: { readonly tls: string; readonly login: string } | null
  /** Java's own producer writes them; null where there is no Java here. */
  readonly produceByJava: ((topic: string, records: readonly JavaRecord[]) => Promise<void>) | null
}

/** Neither holds tabs and line breaks. */
export interface JavaRecord {
  readonly key: string
  readonly value: string
}

/** Why there is none here, for whoever has to skip a test loudly. */
export type KafkaOrNot = { readonly broker: KafkaBroker } | { readonly missing: string }

const VERSION = '4.1.1'
const READY_MS = 180_000

/** A way to the broker: gets its address, returns the one that clients are told. */
export type Way = (address: string) => Promise<string>

/** Another listener, or two: for whoever comes on a way; or with TLS, of which the second lets the user in by PLAIN and SCRAM. */
export type Besides = { readonly way: Way } | { readonly security: ServiceSecurity }

/** FRESHET_TEST_KAFKA (`host:port`) takes a broker from outside. One to which a way leads is always one of this machine. */
export async function startKafka(
  settings: Readonly<Record<string, string>> = {},
  besides?: Besides,
): Promise<KafkaOrNot> {
  const address = process.env['FRESHET_TEST_KAFKA']
  if (address && !(besides !== undefined && 'way' in besides)) {
    const unknown = { kill: null, restart: null, secured: null, produceByJava: null }
    return { broker: { address, ...unknown, [Symbol.asyncDispose]: () => Promise.resolve() } }
  }
  const classpath = await classpathOf().catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  )
  if (classpath instanceof Error)
    return { missing: `no Kafka: Java and Maven did not bring one (${classpath.message.split('\n')[0] ?? ''})` }
  return { broker: await startBroker(classpath, settings, besides) }
}

const run = promisify(execFile)

/** Asked once for each machine: Maven takes ten seconds to say it. */
async function classpathOf(): Promise<string> {
  const folder = join(tmpdir(), `freshet-kafka-${VERSION}`)
  const file = join(folder, 'classpath-with-tools')
  await run('java', ['-version'])
  const known = await readFile(file, 'utf8').catch(() => null)
  if (known !== null) return known
  await mkdir(folder, { recursive: true })
  const own = await mkdtemp(join(folder, 'maven-'))
  await writeFile(join(own, 'pom.xml'), pom())
  const asked = ['--batch-mode', '--quiet', 'dependency:build-classpath', `-Dmdep.outputFile=${join(own, 'classpath')}`]
  await run('mvn', asked, { cwd: own, timeout: 300_000 })
  await rename(join(own, 'classpath'), file)
  await rm(own, { recursive: true })
  return readFile(file, 'utf8')
}

function pom(): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>freshet</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version>
  </dependency><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${VERSION}</version>
  </dependency></dependencies>
</project>`
}

async function startBroker(
  classpath: string,
  settings: Readonly<Record<string, string>>,
  besides: Besides | undefined,
): Promise<KafkaBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-broker-'))
  const [port, controller] = [await freePort(), await freePort()]
  const address = `127.0.0.1:${port}`
  const file = join(folder, 'server.properties')
  const usual = standing(port, controller, folder)
  const security = besides !== undefined && 'security' in besides ? besides.security : null
  const more = security === null ? null : await secured(security, usual['listeners'] ?? '', folder)
  const led = besides !== undefined && 'way' in besides ? await leading(besides.way, port, controller) : {}
  await writeFile(file, properties({ ...usual, ...more?.settings, ...led, ...settings }))
  const id = randomBytes(16).toString('base64url').replace(/^-/, 'a')
  const users = security === null ? [] : scramUsers(security)
  await run('java', ['-cp', classpath, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', file, ...users])
  let child = await begin(classpath, file, address)
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.stdin?.end()
    await ended
  }
  return {
    address,
    secured: more?.addresses ?? null,
    produceByJava: (topic, records) => produceByJava(classpath, address, topic, records),
    kill,
    restart: async () => {
      await kill()
      child = await begin(classpath, file, address)
    },
    [Symbol.asyncDispose]: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A listener of its own for whoever comes on the way. */
async function leading(way: Way, port: number, controller: number): Promise<Readonly<Record<string, string>>> {
  const own = await freePort()
  const shown = await way(`127.0.0.1:${own}`)
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller},LINKED://127.0.0.1:${own}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port},LINKED://${shown}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINKED:PLAINTEXT',
  }
}

function standing(port: number, controller: number, folder: string): Readonly<Record<string, string>> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
  }
}

function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** The shell ends the broker when it hears nothing more from here, whatever has become of this process. */
async function begin(classpath: string, file: string, address: string): Promise<ChildProcess> {
  const java = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classpath, 'kafka.Kafka', file]
  const guarded = 'java "$@" & pid=$!; cat > /dev/null; kill -9 $pid; wait $pid'
  const log = await open(`${file}.log`, 'a')
  const child = spawn('sh', ['-c', guarded, 'sh', ...java], { stdio: ['pipe', log.fd, log.fd] })
  await log.close()
  const until = performance.now() + READY_MS
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin()
  for (;;) {
    try {
      await admin.connect()
      await admin.listTopics()
      await admin.disconnect()
      return child
    } catch (error) {
      if (performance.now() > until) {
        const said = (await readFile(`${file}.log`, 'utf8')).split('\n').slice(-40).join('\n')
        throw new Error(`the broker did not start:\n${said}`, { cause: error })
      }
      await sleep(200)
    }
  }
}

async function produceByJava(
  classpath: string,
  address: string,
  topic: string,
  records: readonly JavaRecord[],
): Promise<void> {
  const where = ['--bootstrap-server', address, '--topic', topic, '--property', 'parse.key=true']
  const producing = run('java', ['-cp', classpath, 'org.apache.kafka.tools.ConsoleProducer', ...where])
  producing.child.stdin?.end(records.map(({ key, value }) => `${key}\t${value}\n`).join(''))
  await producing
}
