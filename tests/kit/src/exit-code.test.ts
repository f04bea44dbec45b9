import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('a process that uses an embedded server keeps its exit code, so that failed tests fail', () => {
  const program = `await import(${JSON.stringify(new URL('server.ts', import.meta.url).href)}); process.exitCode = 3`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 3, stderr: '' })
})
