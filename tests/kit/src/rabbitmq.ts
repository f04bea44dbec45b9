import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './server.ts'
import { certificateFiles, type ServiceOrNot, type ServiceSecurity, type ServiceSpec, startService } from './service.ts'

/**
 * RabbitMQ as Debian has it, with a node name, a port mapper (epmd) and data of its own, all on the loopback. Debian's command
 * on the PATH changes the user and forgets the environment; the program behind it does not.
 */
export async function startRabbitmq(security: ServiceSecurity | null = null): Promise<ServiceOrNot> {
  const [mapper, distribution] = [await freePort(), await freePort()]
  return startService(rabbitmq(mapper, distribution, security))
}

/**
 * Until the queue would outlive a crash. RabbitMQ says that a queue is declared before it has written so: for some seconds, a
 * durable one is gone when the server is killed.
 */
export async function queueIsDurable(folder: string, queue: string): Promise<void> {
  const data = join(folder, 'data')
  const written = async () => {
    for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const bytes = await readFile(join(entry.parentPath, entry.name)).catch(unlessGone)
      if (bytes?.includes(queue)) return true
    }
    return false
  }
  const until = performance.now() + WRITTEN_MS
  while (!(await written())) {
    if (performance.now() > until) throw new Error(`RabbitMQ has not written that there is a queue ${queue}`)
    await sleep(50)
  }
}

const WRITTEN_MS = 60_000

/** It replaces its files while it works. */
function unlessGone(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}

function rabbitmq(mapper: number, distribution: number, security: ServiceSecurity | null): ServiceSpec {
  return {
    variable: 'FRESHET_RABBITMQ_SERVER',
    programs: ['/usr/lib/rabbitmq/bin/rabbitmq-server', 'rabbitmq-server'],
    command: ({ port, securePort, folder }) => ({
      args: [],
      beside: `epmd -address 127.0.0.1 -port ${mapper}`,
      env: {
        HOME: folder,
        RABBITMQ_NODENAME: `freshet${port}@localhost`,
        RABBITMQ_MNESIA_BASE: join(folder, 'data'),
        RABBITMQ_LOG_BASE: folder,
        RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
        RABBITMQ_CONF_ENV_FILE: join(folder, 'environment'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
        RABBITMQ_DIST_PORT: String(distribution),
        ERL_EPMD_PORT: String(mapper),
        // it would wait for work by turning in circles
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
          '-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
      },
      files: {
        'rabbitmq.conf': [
          `listeners.tcp.default = 127.0.0.1:${port}`,
          'log.console = true',
          'log.console.level = warning',
          'log.file = false',
          // so that a limit can be met with few bytes
          'max_message_size = 1000000',
          ...(security === null ? [] : secured(security, securePort, folder)),
          '',
        ].join('\n'),
        environment: '',
        plugins: '[].\n',
        ...(security === null ? {} : certificateFiles(security)),
      },
    }),
    hello: Buffer.from('AMQP\0\0\t\u0001', 'latin1'),
    // the first method of a connection, on channel 0
    answer: Buffer.from([1, 0, 0]),
  }
}

function secured({ user, password }: ServiceSecurity, port: number, folder: string): readonly string[] {
  return [
    `listeners.ssl.default = 127.0.0.1:${port}`,
    `ssl_options.certfile = ${join(folder, 'server.crt')}`,
    `ssl_options.keyfile = ${join(folder, 'server.key')}`,
    'ssl_options.verify = verify_none',
    `default_user = ${user}`,
    `default_pass = ${password}`,
  ]
}
