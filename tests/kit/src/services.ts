import { join } from 'node:path'
import { type ServiceSpec, type ServiceOrNot, startService } from './service.ts'

/** The servers that sinks are tested against, each as Debian has it. They listen on the loopback only. */
export function startNats(): Promise<ServiceOrNot> {
  return startService(NATS)
}

const NATS: ServiceSpec = {
  variable: 'FRESHET_NATS_SERVER',
  programs: ['nats-server', '/usr/sbin/nats-server'],
  command: ({ port, folder }) => ({
    args: ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', join(folder, 'data')],
  }),
  hello: Buffer.alloc(0),
  answer: Buffer.from('INFO '),
}

/** It writes to the disk before it answers. */
export function startRedis(): Promise<ServiceOrNot> {
  return startService(REDIS)
}

const REDIS: ServiceSpec = {
  variable: 'FRESHET_REDIS_SERVER',
  programs: ['redis-server', '/usr/bin/redis-server'],
  command: ({ port, folder }) => ({
    args: [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      folder,
      ...'--appendonly yes --appendfsync always'.split(' '),
    ],
  }),
  hello: Buffer.from('PING\r\n'),
  answer: Buffer.from('+PONG'),
}
