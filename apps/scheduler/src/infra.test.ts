import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { METRICS } from './metrics.ts'

/** What `infra/` and the workflows name is there: files, services, metrics and their labels. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string) => readFileSync(`${ROOT}${path}`, 'utf8')
const YAML = ['infra/**/*.yaml', '.github/**/*.yml'].flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
const COMPOSE = YAML.filter((path) => path.startsWith('infra/compose.'))

interface Service {
  readonly image?: string
  readonly command?: string | readonly string[]
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: string | readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly ports?: readonly string[]
  readonly init?: boolean
  readonly stop_grace_period?: string
}

interface Compose {
  readonly include?: readonly string[]
  readonly services: Readonly<Record<string, Service>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

/** With what it includes. */
function services(path: string): Record<string, Service> {
  const { include = [], services: own } = parse(read(path)) as Compose
  return Object.assign({}, ...include.map((other) => services(`infra/${other}`)), own) as Record<string, Service>
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

interface Panel {
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] }
}

const RULES = (parse(read('infra/prometheus/rules.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
)
const DASHBOARD = JSON.parse(read('infra/grafana/dashboards/freshet.json')) as Dashboard
const EXPRESSIONS = [
  ...RULES.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
  ...DASHBOARD.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel ${title}`, expr] as const)),
  ...DASHBOARD.templating.list.map(({ query }) => ['variable', query.query] as const),
]

/** The metric without what a histogram adds to its name. */
function metricOf(name: string): string {
  return name in METRICS ? name : name.replace(/_(bucket|sum|count)$/, '')
}

test('every YAML file can be read, and repeats no key', () => {
  expect(YAML.length).toBeGreaterThanOrEqual(8)
  for (const path of YAML) {
    const faults = parseAllDocuments(read(path)).flatMap(({ errors, warnings }) => [...errors, ...warnings])
    expect({ path, faults }).toEqual({ path, faults: [] })
  }
})

test.each(EXPRESSIONS)('%s names metrics and labels that there are: %s', (_, expression) => {
  const names = [...expression.matchAll(/\bfreshet_\w+/g)].map(([name]) => metricOf(name))
  if (!/process_|nodejs_/.test(expression)) expect(names).not.toEqual([])
  expect(Object.keys(METRICS)).toEqual(expect.arrayContaining(names))
  const labels = new Set<string>(['database', 'instance', 'job'])
  for (const [name, metric] of Object.entries(METRICS)) {
    if (!names.includes(name)) continue
    for (const label of metric.labels) labels.add(label)
    if (metric.type === 'histogram') labels.add('le')
  }
  const used = [
    ...[...expression.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
    ...[...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/)),
  ]
  expect([...labels]).toEqual(expect.arrayContaining(used))
})

test('every metric is on the dashboard, or is only of use to alerts', () => {
  const shown = EXPRESSIONS.flatMap(([, expression]) => [...expression.matchAll(/\bfreshet_\w+/g)])
  expect([...new Set(shown.map(([name]) => metricOf(name)))].sort()).toEqual(Object.keys(METRICS).sort())
})

test('panels fill rows of 24 and do not overlap', () => {
  const cells = DASHBOARD.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  for (const { gridPos } of DASHBOARD.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
})

test('alerts say who is concerned and how much it matters', () => {
  expect(RULES.length).toBeGreaterThan(5)
  expect(new Set(RULES.map(({ alert }) => alert)).size).toBe(RULES.length)
  for (const { labels, annotations } of RULES) {
    expect(['warning', 'critical']).toContain(labels.severity)
    expect(annotations.summary).toMatch(/\.$/)
  }
})

test.each(COMPOSE)('%s: what it mounts, builds and waits for is there', (path) => {
  const { volumes: named = {} } = parse(read(path)) as Compose
  const all = services(path)
  for (const [name, { build, volumes = [], depends_on: waits = {} }] of Object.entries(all)) {
    if (build !== undefined) expect(existsSync(`${ROOT}infra/${build.context}/${build.dockerfile}`)).toBe(true)
    for (const volume of volumes) {
      const [from = ''] = volume.split(':')
      expect({ name, from, is: from.startsWith('.') ? existsSync(`${ROOT}infra/${from}`) : from in named }).toEqual({
        name,
        from,
        is: true,
      })
    }
    for (const [other, { condition }] of Object.entries(waits)) {
      expect(Object.keys(all)).toContain(other)
      if (condition === 'service_healthy') expect(all[other]?.healthcheck).toBeDefined()
    }
  }
})

test.each(COMPOSE)('%s: what stays up tells whether it is well, and is served to this machine alone', (path) => {
  for (const [name, service] of Object.entries(services(path))) {
    const check = [service.healthcheck?.test ?? []].flat()
    if (name !== 'init') expect({ name, words: check.length }).not.toEqual({ name, words: 0 })
    // a colon in the wrong place makes a mapping of a command
    for (const word of check) expect(word).toBeTypeOf('string')
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
    if (service.image !== undefined) expect(service.image).toMatch(/:[^:]*\d/)
  }
})

test('Prometheus asks the scheduler, and Grafana asks Prometheus, where they are', () => {
  const all = services('infra/compose.monitoring.yaml')
  const { scrape_configs: jobs, rule_files: rules } = parse(read('infra/prometheus/prometheus.yaml')) as {
    scrape_configs: { static_configs: { targets: string[] }[] }[]
    rule_files: string[]
  }
  const targets = jobs.flatMap(({ static_configs: configs }) => configs.flatMap((config) => config.targets))
  const { datasources } = parse(read('infra/grafana/provisioning/datasources/prometheus.yaml')) as {
    datasources: { url: string }[]
  }
  for (const url of [...targets.map((target) => `http://${target}`), ...datasources.map(({ url }) => url)]) {
    const { hostname, port } = new URL(url)
    expect(all[hostname]?.ports?.some((published) => published.endsWith(`:${port}`))).toBe(true)
  }
  for (const rule of rules) expect(all['prometheus']?.volumes?.join()).toContain(`/etc/prometheus/${rule}`)
})

test('the image runs as a number that is not root, and is given the time to drain', () => {
  const last =
    read('infra/Dockerfile')
      .split(/^FROM /m)
      .at(-1) ?? ''
  expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m)
  expect(last).toMatch(/^STOPSIGNAL SIGTERM$/m)
  const { scheduler } = services('infra/compose.postgres.yaml')
  expect(scheduler?.init).toBe(true)
  expect(Number.parseInt(scheduler?.stop_grace_period ?? '0', 10)).toBeGreaterThan(30)
})

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly 'timeout-minutes'?: number
        readonly env?: Readonly<Record<string, unknown>>
        readonly steps: readonly { readonly uses?: string; readonly run?: string; readonly if?: string }[]
      }
    >
  >
}

const WORKFLOWS = YAML.filter((path) => path.startsWith('.github/workflows/'))

test.each(WORKFLOWS)('%s: what it runs is there, and ends', (path) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const [job, { steps, env = {}, ...settings }] of Object.entries((parse(read(path)) as Workflow).jobs)) {
    expect({ job, minutes: settings['timeout-minutes'] }).toEqual({ job, minutes: expect.any(Number) as number })
    for (const { uses, run = '' } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/@v?[\da-f]/)
      const text = `${run} ${Object.values(env).join(' ')}`
      for (const [, script = ''] of text.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g))
        expect({ job, script, known: script in scripts }).toEqual({ job, script, known: true })
      for (const [file] of text.matchAll(/\b(?:infra|docs|scripts)\/[\w./-]+\.\w+/g))
        expect({ job, file, there: existsSync(`${ROOT}${file}`) }).toEqual({ job, file, there: true })
    }
  }
})

test('continuous integration starts the cluster that the tutorial tells people to start, and is never skipped', () => {
  const { jobs } = parse(read('.github/workflows/citus.yml')) as Workflow
  const runs = (job: string) => (jobs[job]?.steps ?? []).map(({ run = '' }) => run).join('\n')
  const started = 'docker compose --file infra/compose.citus.yaml up --build'
  expect(read('docs/tutorials/citus.md')).toContain(started)
  expect(runs('compose')).toContain(started)
  // the first block of the tutorial is what is run
  const [, first = ''] = /^```sql\n([^`]*)^```$/m.exec(read('docs/tutorials/citus.md')) ?? []
  expect(first).toContain('create_distributed_table')
  expect(runs('test')).toContain('npm test -- --project citus')
  // without it, the tests say that they are skipped, and pass
  expect(runs('test')).toContain('citus.so')
})
