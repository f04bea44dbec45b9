import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, type RestartableServer, startRestartableServer } from '@freshet/testkit'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, expect, test } from 'vitest'

/**
 * Over TLS, with an authority that only the test knows. The server takes nothing else, so what works here is encrypted,
 * the stream of WAL capture too.
 */
let server: RestartableServer
let directory: string
const files = { authority: '', other: '' }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'freshet-tls-'))
  const authority = await generate([{ name: 'commonName', value: 'an authority' }], {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true },
    ],
  })
  const other = await generate([{ name: 'commonName', value: 'somebody else' }])
  const own = await generate([{ name: 'commonName', value: 'localhost' }], {
    ca: { key: authority.private, cert: authority.cert },
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  for (const [name, { cert }] of Object.entries({ authority, other })) {
    const path = join(directory, `${name}.pem`)
    await writeFile(path, cert)
    files[name as keyof typeof files] = path
  }
  server = await startRestartableServer()
  await server.stop('fast')
  const { uid, gid } = await stat(server.dataDirectory)
  for (const [name, text] of [
    ['server.crt', own.cert],
    ['server.key', own.private],
    ['pg_hba.conf', 'hostssl all all 127.0.0.1/32 md5\nhostssl replication all 127.0.0.1/32 md5\n'],
  ] as const) {
    const path = join(server.dataDirectory, name)
    await writeFile(path, text)
    await chown(path, uid, gid)
    await chmod(path, 0o600)
  }
  await server.start({ ssl: 'on' })
}, 60_000)

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

function url(search: string, host = 'localhost'): string {
  const to = new URL(server.url)
  to.hostname = host
  to.search = search
  return to.href
}

async function encrypted(to: string): Promise<boolean | undefined> {
  const freshet = await connect(to)
  try {
    const [row] = await freshet.database.query<{ ssl: boolean }>(
      raw('select ssl from pg_stat_ssl where pid = pg_backend_pid()'),
    )
    return row?.ssl
  } finally {
    await freshet.close()
  }
}

test('a certificate of the authority that was named, for this host', async () => {
  expect(await encrypted(url(`sslmode=verify-full&sslrootcert=${files.authority}`))).toBe(true)
  expect(await encrypted(url('sslmode=no-verify'))).toBe(true)
})

test.each([
  [
    'another authority',
    'CONNECTION_REFUSED',
    /sslrootcert/,
    () => url(`sslmode=verify-full&sslrootcert=${files.other}`),
  ],
  ['the public authorities', 'CONNECTION_REFUSED', /sslrootcert/, () => url('sslmode=verify-full')],
  [
    'another host',
    'CONNECTION_REFUSED',
    /sslrootcert/,
    () => url(`sslmode=verify-full&sslrootcert=${files.authority}`, '127.0.0.1'),
  ],
  [
    'a file that is not there',
    'CONNECTION_REFUSED',
    /sslrootcert/,
    () => url('sslmode=verify-full&sslrootcert=/nowhere/ca.pem'),
  ],
  ['no TLS', 'AUTHENTICATION_FAILED', /pg_hba/, () => url('')],
  ['TLS off', 'AUTHENTICATION_FAILED', /pg_hba/, () => url('sslmode=disable')],
])('refused: %s', async (_, code, hint, to) => {
  const error = await encrypted(to()).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) })
})

test('a stream table by triggers, and one by WAL', async () => {
  const freshet = await connect(url(`sslmode=verify-full&sslrootcert=${files.authority}`))
  freshet.startStream()
  await freshet.init()
  await freshet.database.query(raw('create table items (id int primary key, n int); create table kinds (id int)'))
  const streams = { sums: 'select n, count(*) as c from items group by n', ids: 'select max(id) as id from kinds' }
  await freshet.create({ name: 'sums', query: streams.sums, mode: 'differential', schedule: 'manual', cdc: 'trigger' })
  await freshet.create({ name: 'ids', query: streams.ids, mode: 'differential', schedule: 'manual', cdc: 'wal' })
  await freshet.database.query(raw('insert into items values (1, 1), (2, 1); insert into kinds values (7)'))
  for (const [name, query] of Object.entries(streams)) {
    expect(await freshet.refresh(name)).toMatchObject({ action: 'differential' })
    await assertEqualToQuery(freshet.database, name, query)
  }
  const plain = await freshet.database.query(
    raw(
      'select pid from pg_stat_ssl s join pg_stat_activity a using (pid) where a.client_addr is not null and not s.ssl',
    ),
  )
  expect(plain).toEqual([])
  const walsenders = await freshet.database.query(raw('select pid from pg_stat_replication'))
  expect(walsenders).toHaveLength(1)
  for (const name of Object.keys(streams)) await freshet.drop(name)
  await freshet.close()
})
