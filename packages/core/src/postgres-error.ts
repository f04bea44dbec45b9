import { DatabaseError } from 'pg'
import { FreshetError } from './errors.ts'
import { codeOfSqlState } from './sqlstate.ts'

/**
 * What the driver throws, as a FreshetError: by SQLSTATE when the server spoke, by the operating system's error code
 * when the network did, and otherwise by what the connection was doing.
 */
export function fromDriver(error: unknown, phase: 'connecting' | 'connected' | 'broken'): FreshetError {
  if (error instanceof FreshetError) return error
  if (error instanceof DatabaseError && error.code !== undefined) return fromServer(error, error.code)
  const message = messageOf(error)
  if (phase === 'connecting') {
    const hint = isAboutTls(error) ? TLS_HINT : undefined
    return new FreshetError('CONNECTION_REFUSED', `can not connect to the server: ${message}`, { hint, cause: error })
  }
  if (phase === 'broken' || errnoOf(error) !== undefined) {
    return new FreshetError('CONNECTION_LOST', `the connection to the server broke: ${message}`, { cause: error })
  }
  return new FreshetError('INTERNAL', message, { cause: error })
}

const TLS_HINT =
  'Name the authority of the server’s certificate with sslrootcert=/path/ca.pem in the database URL, and the host as the certificate does.'

/** A certificate that is not trusted, or is of another host; or a file that the URL names can not be read. */
function isAboutTls(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return false
  return /CERT|SIGNATURE/.test(error.code) || ('syscall' in error && error.syscall === 'open')
}

function fromServer(error: DatabaseError, sqlState: string): FreshetError {
  const position = Number(error.position)
  return new FreshetError(isOfGoneShard(error) ? 'TRANSACTION_CONFLICT' : codeOfSqlState(sqlState), error.message, {
    sqlState,
    detail: error.detail,
    // the server knows the case better than we do
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(position > 0 ? { position } : {}),
    cause: error,
  })
}

/** What Citus calls an internal error: since the statement was planned, a split has taken away one of its shards. */
function isOfGoneShard({ code, routine }: DatabaseError): boolean {
  return code === 'XX000' && routine === 'LookupShardRelationFromCatalog'
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Node tries every address of a host and throws all the failures together, under an empty message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
