import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Three projects by what a file needs: `unit` needs nothing, `postgres` a server, `citus` a cluster.
 * Sources are resolved through the `@freshet/source` condition, so tests need no build.
 */
const shared = {
  resolve: { conditions: ['@freshet/source'] },
  ssr: { resolve: { conditions: ['@freshet/source'] } },
}

/** The longest first: at the end, one of the workers would wait for them. The rest as vitest has it. */
const LONGEST = ['fuzz', 'schema-change', 'faults', 'gates', 'outputs', 'wal', 'immediate-writers', 'steps', 'repair']

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex(
        (name) => /\.(pg|citus)\.test\.ts$/.test(moduleId) && moduleId.includes(`/${name}.`),
      )
      return found === -1 ? LONGEST.length : found
    }
    const usual = await super.sort(files)
    return [...usual].sort((a, b) => place(a) - place(b))
  }
}

/** Nothing of a test outlives its file: what they import is read once, not a hundred times. */
const isolate = false

const roots = ['packages/*/src', 'apps/*/src', 'tests/src', 'tests/kit/src', 'demo/src', 'bench/src', 'examples/*/src']

export default defineConfig({
  test: {
    // most tests wait for a server: two at a time are quicker than one, on two processors too
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          isolate,
          include: roots.map((root) => `${root}/**/*.test.ts`),
          exclude: [
            '**/*.pg.test.ts',
            '**/*.citus.test.ts',
            '**/*.browser.test.ts',
            '**/node_modules/**',
            '**/dist/**',
          ],
        },
      },
      {
        ...shared,
        test: {
          name: 'postgres',
          isolate,
          include: roots.flatMap((root) => [`${root}/**/*.pg.test.ts`, `${root}/**/*.browser.test.ts`]),
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['./tests/kit/src/vitest-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'citus',
          isolate,
          include: roots.map((root) => `${root}/**/*.citus.test.ts`),
          exclude: ['**/node_modules/**', '**/dist/**'],
          globalSetup: ['./tests/kit/src/citus/citus-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
