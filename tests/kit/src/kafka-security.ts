import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './server.ts'
import type { ServiceSecurity } from './service.ts'

/** What a broker is told so that it speaks TLS on two more ports, on the second of which one has to log in. */
export async function secured(
  { certificate, user, password }: ServiceSecurity,
  listeners: string,
  folder: string,
): Promise<{
  readonly addresses: { readonly tls: string; readonly login: string }
  readonly settings: Readonly<Record<string, string>>
}> {
  const [tls, login] = [await freePort(), await freePort()]
  const keystore = join(folder, 'server.pem')
  await writeFile(keystore, `${certificate.key}\n${certificate.certificate}`)
  const module = (name: string, options: string) => `org.apache.kafka.common.security.${name} required${options};`
  const scram = module('scram.ScramLoginModule', '')
  return {
    addresses: { tls: `localhost:${tls}`, login: `localhost:${login}` },
    settings: {
      listeners: `${listeners},TLS://127.0.0.1:${tls},LOGIN://127.0.0.1:${login}`,
      'advertised.listeners': [
        ...listeners.split(',').filter((listener) => listener.startsWith('PLAINTEXT:')),
        `TLS://localhost:${tls}`,
        `LOGIN://localhost:${login}`,
      ].join(','),
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,LOGIN:SASL_SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'listener.name.login.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.login.plain.sasl.jaas.config': module('plain.PlainLoginModule', ` user_${user}="${password}"`),
      'listener.name.login.scram-sha-256.sasl.jaas.config': scram,
      'listener.name.login.scram-sha-512.sasl.jaas.config': scram,
    },
  }
}

/** As the tool that formats the storage is told of them. */
export function scramUsers({ user, password }: ServiceSecurity): readonly string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((kind) => [
    '--add-scram',
    `${kind}=[name=${user},password=${password}]`,
  ])
}
