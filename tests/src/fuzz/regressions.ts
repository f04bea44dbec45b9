import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { scriptOf, type FuzzCase } from './case.ts'
import type { Failed } from './run.ts'

/**
 * Failures that were found once, as JSON in `tests/regressions`. They are replayed before anything random is tried, and
 * stay for good: what failed once is where the next change breaks it again.
 */
const FOLDER = new URL('../../regressions/', import.meta.url)

export interface Regression {
  readonly name: string
  readonly case: FuzzCase
}

export async function storedRegressions(): Promise<Regression[]> {
  await mkdir(FOLDER, { recursive: true })
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => {
      const stored: unknown = JSON.parse(await readFile(new URL(file, FOLDER), 'utf8'))
      if (!isStored(stored)) throw new Error(`${file} holds no case`)
      return { name: file, case: stored.case }
    }),
  )
}

/** Only this program writes these files: that there is a case is all that is asked. */
function isStored(value: unknown): value is { readonly case: FuzzCase } {
  return typeof value === 'object' && value !== null && 'case' in value
}

/** Without the stack, which is printed: its paths are of one machine. Returns the file's path. */
export async function storeRegression(subject: FuzzCase, failed: Failed): Promise<string> {
  await mkdir(FOLDER, { recursive: true })
  const [detail] = failed.detail.split(/\n\s+at /)
  const file = new URL(`${failed.what.replaceAll(' ', '-')}-${subject.seed}.json`, FOLDER)
  const content = { found: failed.what, detail, script: scriptOf(subject).split('\n'), case: subject }
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`)
  return fileURLToPath(file)
}
