import { parseSchedule } from '@freshet/core'
import type { DueInput, DueTable } from './due.ts'
import { dependencyGraph } from './graph.ts'
import type { Plan } from './rhythm.ts'
import { unitsOf } from './units.ts'

export const NOW = 1_000

/** Stream tables in a few words, for the tests of what is due. */
export interface Scene {
  /** `name: 'live'` or `name: 'live < a b'`: the schedule, and what it reads; `!` marks a table no buffer speaks for. */
  readonly tables: Readonly<Record<string, string>>
  readonly pending?: string
  readonly running?: string
  /** The members of a unit. */
  readonly together?: string
  readonly with?: Readonly<Record<string, Partial<DueTable>>>
}

function plan(text: string): Plan {
  const schedule = parseSchedule(text)
  return schedule.kind === 'every'
    ? { kind: 'rhythm', everyMs: schedule.ms, crons: [] }
    : { kind: schedule.kind === 'live' ? 'live' : 'manual' }
}

export function world(scene: Scene): {
  readonly input: DueInput
  readonly id: (name: string) => number
  readonly names: (list: readonly number[]) => string
} {
  const names = Object.keys(scene.tables)
  const id = (name: string) => names.indexOf(name) + 1
  const ids = (list = '') => new Set(list.split(' ').filter(Boolean).map(id))
  const tables = new Map<number, DueTable>()
  const nodes = names.map((name) => {
    const [schedule = '', reads = ''] = (scene.tables[name] ?? '').split('<')
    tables.set(id(name), {
      id: id(name),
      schedule: plan(schedule.replace('!', '')),
      scheduled: true,
      timed: schedule.includes('!'),
      reinitialize: false,
      nextAt: NOW,
      notBefore: -Infinity,
      within: Infinity,
      freshAt: -Infinity,
      lastStartAt: -Infinity,
      quick: true,
      ...scene.with?.[name],
    })
    return { id: id(name), name, reads: [...ids(reads)] }
  })
  const graph = dependencyGraph(nodes)
  const together = ids(scene.together)
  const units = nodes.map((node) => ({ ...node, unit: together.has(node.id) ? 1 : null }))
  return {
    input: {
      now: NOW,
      graph,
      units: unitsOf(units, graph),
      tables,
      pending: ids(scene.pending),
      running: ids(scene.running),
    },
    id,
    names: (list: readonly number[]) => list.map((at) => names[at - 1]).join(' '),
  }
}
