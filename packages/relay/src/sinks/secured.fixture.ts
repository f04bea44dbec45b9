import { createAuthority, type Service, type ServiceOrNot, type ServiceSecurity } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import type { Sink } from '../sink.ts'
import { serviceOf, type SinkServer, sinkServer } from './server.fixture.ts'
import { message } from './sink-conformance.fixture.ts'
import type { TlsOptions } from './tls.ts'

/**
 * That a sink reaches its server over TLS and with a login, and tells apart what is wrong with either, as tests for each sink
 * that has a server. The authority is one that only the test knows.
 */
export interface SecuredSink {
  readonly name: string
  readonly create: (address: { readonly host: string; readonly port: number }, tls: TlsOptions, login: Login) => Sink
  /** Makes what the topic `secured` needs. */
  readonly prepare: () => Promise<void>
}

export interface Login {
  readonly user: string
  readonly password: string
}

export const LOGIN: Login = { user: 'relay', password: 'not-to-be-told' }

export interface SecuredServer {
  readonly server: SinkServer<Service>
  readonly tls: TlsOptions
}

export async function securedServer(
  name: string,
  start: (security: ServiceSecurity) => Promise<ServiceOrNot>,
): Promise<SecuredServer> {
  const authority = await createAuthority()
  const certificate = await authority.issue(['localhost'])
  const server = await sinkServer<Service>(`${name} over TLS`, async () =>
    serviceOf(await start({ certificate, ...LOGIN })),
  )
  return { server, tls: { ca: [authority.certificate] } }
}

export function sinkIsSecured({ server, tls }: SecuredServer, { name, create, prepare }: SecuredSink): void {
  const at = (host = 'localhost') => ({ host, port: server.get().securePort })
  const open = async (sink: Sink) => {
    try {
      await sink.open()
      await sink.deliver([{ ...message(1), topic: 'secured' }], 'p')
    } finally {
      await sink.close()
    }
  }
  describe.skipIf(server.missing)(`the sink ${name} over TLS`, () => {
    test('delivers', async () => {
      await prepare()
      await open(create(at(), tls, LOGIN))
    })

    test('a certificate of another authority, or for another name, is not trusted', async () => {
      const another = await createAuthority()
      for (const [sink, told] of [
        [create(at(), { ca: [another.certificate] }, LOGIN), 'not to be trusted'],
        [create(at(), {}, LOGIN), 'not to be trusted'],
        [create(at('127.0.0.1'), tls, LOGIN), 'for another name'],
        [create(at(), { ...tls, servername: 'another.example' }, LOGIN), 'for another name'],
      ] as const)
        await expect(open(sink)).rejects.toMatchObject({
          code: 'SINK_REFUSED',
          message: expect.stringContaining(told) as string,
        })
      await open(create(at('127.0.0.1'), { ...tls, servername: 'localhost' }, LOGIN))
    })

    test('a wrong password is told, and not the password', async () => {
      const password = 'guessed-and-wrong'
      const error: unknown = await open(create(at(), tls, { ...LOGIN, password })).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'SINK_REFUSED' })
      expect(String(error) + JSON.stringify(error)).not.toContain(password)
    })
  })
}
