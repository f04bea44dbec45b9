import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { giveTo, runnable } from './owner.ts'

/** Somebody who owns nothing here. */
const STRANGER = { uid: 54_321, gid: 54_321 }

let open: string
let closed: string

beforeAll(async () => {
  open = await mkdtemp(join(tmpdir(), 'freshet-cli-test-'))
  await chmod(open, 0o755)
  closed = join(open, 'closed')
  for (const place of [open, closed]) {
    await mkdir(join(place, 'native', 'bin'), { recursive: true })
    await writeFile(join(place, 'native', 'bin', 'postgres'), place)
    await writeFile(join(place, 'native', 'bin', 'initdb'), place)
  }
  await chmod(closed, 0o700)
})

afterAll(() => rm(open, { recursive: true }))

const programs = (place: string) => ({
  postgres: join(place, 'native/bin/postgres'),
  initdb: join(place, 'native/bin/initdb'),
})

describe("the server's user", () => {
  it('runs programs where they are when it can get there', async () => {
    expect(await runnable(STRANGER, programs(open), open)).toEqual(programs(open))
    expect(await runnable(null, programs(closed), open)).toEqual(programs(closed))
  })

  it('gets a copy when it can not', async () => {
    const copies = await runnable(STRANGER, programs(closed), open)
    expect(copies).toEqual({ postgres: join(open, 'programs/bin/postgres'), initdb: join(open, 'programs/bin/initdb') })
    expect(await readFile(copies.postgres, 'utf8')).toBe(closed)
  })

  it('is not given what it can not reach', async () => {
    await expect(giveTo(STRANGER, join(closed, 'data'))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`can not pass through ${closed}`) as string,
    })
  })
})
