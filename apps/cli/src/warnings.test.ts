import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('a negative timeout is nobody’s business; other warnings are told as before', async () => {
  const warnings = fileURLToPath(new URL('warnings.ts', import.meta.url))
  const script = `
    const { ignoreNegativeTimeouts } = await import(${JSON.stringify(warnings)})
    if (process.argv[1] === 'ignored') ignoreNegativeTimeouts(process)
    setTimeout(() => process.emitWarning('look out', 'OtherWarning'), -1)`
  const told = async (word: string) => {
    const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, word])
    return [...stderr.matchAll(/\w+Warning/g)].map(([name]) => name)
  }
  expect(await told('usual')).toEqual(['TimeoutNegativeWarning', 'OtherWarning'])
  expect(await told('ignored')).toEqual(['OtherWarning'])
})
