import { join } from 'node:path'
import { certificateFiles, type ServiceOrNot, type ServiceSecurity, type ServiceSpec, startService } from './service.ts'

/**
 * The servers that sinks are tested against, each as Debian has it. They listen on the loopback only. Secured ones take nobody
 * but the user; NATS speaks TLS on its one port then, Redis on a second one.
 */
export function startNats(security: ServiceSecurity | null = null): Promise<ServiceOrNot> {
  return startService(nats(security))
}

function nats(security: ServiceSecurity | null): ServiceSpec {
  return {
    variable: 'FRESHET_NATS_SERVER',
    programs: ['nats-server', '/usr/sbin/nats-server'],
    command: ({ port, securePort, folder }) => {
      const listening = ['--addr', '127.0.0.1', '--port', String(security === null ? port : securePort)]
      const storing = ['--jetstream', '--store_dir', join(folder, 'data')]
      if (security === null) return { args: [...listening, ...storing] }
      const tls = ['--tls', '--tlscert', join(folder, 'server.crt'), '--tlskey', join(folder, 'server.key')]
      const login = ['--user', security.user, '--pass', security.password]
      return { args: [...listening, ...storing, ...tls, ...login], files: certificateFiles(security) }
    },
    secureOnly: security !== null,
    hello: Buffer.alloc(0),
    answer: Buffer.from('INFO '),
  }
}

/** It writes to the disk before it answers. */
export function startRedis(security: ServiceSecurity | null = null): Promise<ServiceOrNot> {
  return startService(redis(security))
}

function redis(security: ServiceSecurity | null): ServiceSpec {
  return {
    variable: 'FRESHET_REDIS_SERVER',
    programs: ['redis-server', '/usr/bin/redis-server'],
    command: ({ port, securePort, folder }) => {
      const usual = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder]
      const storing = '--appendonly yes --appendfsync always'.split(' ')
      if (security === null) return { args: [...usual, ...storing] }
      const { user, password } = security
      const tls = ['--tls-port', String(securePort), '--tls-auth-clients', 'no']
      const own = ['--tls-cert-file', join(folder, 'server.crt'), '--tls-key-file', join(folder, 'server.key')]
      const login = ['--requirepass', password, '--user', user, 'on', `>${password}`, '~*', '&*', '+@all']
      return { args: [...usual, ...storing, ...tls, ...own, ...login], files: certificateFiles(security) }
    },
    hello: Buffer.from('PING\r\n'),
    answer: Buffer.from(security === null ? '+PONG' : '-NOAUTH'),
  }
}
