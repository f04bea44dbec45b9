import { FreshetError } from '@freshet/core'
import type { ConnectionOptions } from 'node:tls'

/** How a server of a sink is known, and how the relay is known to it: PEM texts, and another name than its host's. */
export interface TlsOptions {
  /** Authorities; those of the system where none is given. */
  readonly ca?: readonly string[]
  readonly cert?: string
  readonly key?: string
  /** The name that its certificate has. */
  readonly servername?: string
}

/** As Node has them. */
export function nodeTls({ ca, ...rest }: TlsOptions): ConnectionOptions {
  return { ...rest, ...(ca === undefined ? {} : { ca: [...ca] }) }
}

/** A certificate that does not hold is no outage: a person has to look. Null: the error is about something else. */
export function certificateFault(server: string, error: unknown): FreshetError | null {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth++) {
    const code: unknown = Reflect.get(at, 'code')
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      return new FreshetError('SINK_REFUSED', `the certificate of ${server} is for another name than its host's`, {
        cause: error,
        hint: 'Connect to a name that the certificate has, or give it as `server_name`.',
      })
    if (typeof code === 'string' && NOT_TRUSTED.has(code))
      return new FreshetError('SINK_REFUSED', `the certificate of ${server} is not to be trusted: ${code}`, {
        cause: error,
        hint: 'Give the authority that signed it: `ca_file` in the `tls` of the sink.',
      })
    at = Reflect.get(at, 'cause')
  }
  return null
}

/** As OpenSSL names them, and Node. */
const NOT_TRUSTED = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
