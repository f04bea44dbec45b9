import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Functions, catalogs, views and settings of Citus, as they are written in SQL; hints to users included. */
const OF_CITUS =
  /\bpg_dist_[a-z_]+|\bcitus\.(?!md\b)[a-z][a-z_]+|\b(?:create_distributed_table|create_reference_table|column_to_column_name|get_shard_id_for_distribution_column|undistribute_table|alter_distributed_table|replicate_reference_tables|run_command_on_[a-z_]+|citus_(?:add|set|check|update|drain|move|split|shards|tables|nodename|remove)[a-z_]*)\b/g

test('whatever the code uses of Citus, the contract names', () => {
  const root = fileURLToPath(new URL('../../../../', import.meta.url))
  const files = ['packages/*/src/**/*.{ts,sql}', 'apps/*/src/**/*.ts'].flatMap((pattern) =>
    globSync(pattern, { cwd: root }).filter((file) => !/\.(test|fixture)\.ts$/.test(file)),
  )
  expect(files.length).toBeGreaterThan(200)
  const used = new Map<string, string>()
  for (const file of files)
    for (const [name] of readFileSync(`${root}${file}`, 'utf8').matchAll(OF_CITUS)) used.set(name, file)
  expect([...used.keys()]).toEqual(expect.arrayContaining(['pg_dist_partition', 'citus.enable_unsafe_triggers']))
  const contract = readFileSync(new URL('contract.citus.test.ts', import.meta.url), 'utf8')
  const missing = [...used].filter(([name]) => !contract.includes(name.replace(/^citus\./, '')))
  expect(missing).toEqual([])
})
