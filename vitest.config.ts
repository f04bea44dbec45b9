import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * Three projects by what a file needs: `unit` needs nothing, `postgres` a server, `citus` a cluster.
 * Sources are resolved through the `@freshet/source` condition, so tests need no build.
 */
const shared = {
  resolve: { conditions: ['@freshet/source'] },
  ssr: { resolve: { conditions: ['@freshet/source'] } },
}

const roots = ['packages/*/src', 'apps/*/src', 'tests/src', 'tests/kit/src', 'demo/src', 'bench/src', 'examples/*/src']

export default defineConfig({
  test: {
    // most tests wait for a server: two at a time are quicker than one, on two processors too
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
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
