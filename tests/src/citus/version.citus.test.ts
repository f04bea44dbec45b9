import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { createCitusWorld } from './world.ts'

/** The version that the database tells of is another one; the server's own checks of it are off. */
describe.skipIf(clusterUrls() === null)('a version of Citus', () => {
  test('that is too old is refused before anything is made; one that is old is told of', async () => {
    await using world = await createCitusWorld()
    const { freshet } = world
    await world.run(
      'create table t (id int primary key)',
      `alter database ${world.own.name} set citus.enable_version_checks to off`,
    )
    const told = async () => (await freshet.doctor()).find(({ subject }) => subject === 'citus')
    const [found] = await world.rows(`select extversion from pg_extension where extname = 'citus'`)
    const version = String(found?.['extversion'])
    const pretend = (text: string) =>
      world.run(`update pg_catalog.pg_extension set extversion = '${text}' where extname = 'citus'`)
    expect(await told()).toMatchObject({ level: 'ok', message: `Citus ${version}` })
    await pretend('11.3-1')
    expect(await told()).toMatchObject({
      level: 'error',
      message: expect.stringContaining('pg_dist_schema') as unknown,
    })
    await expect(freshet.create({ name: 'n', query: 'select count(*) as n from t' })).rejects.toMatchObject({
      code: 'CITUS_TOO_OLD',
      hint: expect.stringContaining('alter extension citus update') as unknown,
    })
    expect(await freshet.list()).toEqual([])
    await pretend('12.1-1')
    expect(await told()).toMatchObject({ level: 'warning' })
    await world.stream('n', 'select count(*) as n from t')
    await pretend(version)
    await world.follow()
  })
})
