import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { TlsOptions } from '../sinks/tls.ts'

/** The part of a sink's configuration that says how its server is known: PEM files, as seen from the configuration's folder. */
export const tlsFiles = z.strictObject({
  ca_file: z.string().min(1).optional(),
  cert_file: z.string().min(1).optional(),
  key_file: z.string().min(1).optional(),
  server_name: z.string().min(1).optional(),
})

export type TlsFiles = Readonly<z.infer<typeof tlsFiles>>

export function readTls(files: TlsFiles, folder: string): TlsOptions {
  const content = (path: string) => readFileSync(resolve(folder, path), 'utf8')
  const { ca_file: ca, cert_file: cert, key_file: key, server_name: servername } = files
  return {
    ...(ca === undefined ? {} : { ca: [content(ca)] }),
    ...(cert === undefined ? {} : { cert: content(cert) }),
    ...(key === undefined ? {} : { key: content(key) }),
    ...(servername === undefined ? {} : { servername }),
  }
}
