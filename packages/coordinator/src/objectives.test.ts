import type { Tier } from '@freshet/core'
import { expect, test } from 'vitest'
import { dependencyGraph } from './graph.ts'
import { objectivesOf } from './objectives.ts'

test('what is read has to follow as soon as what reads it', () => {
  const table = (id: number, reads: readonly number[], slaMs: number | null, tier: Tier = 'hot') => {
    return { id, name: `t${id}`, reads, slaMs, tier }
  }
  const tables = [
    table(1, [], null),
    table(2, [1], 5_000),
    table(3, [2], 500),
    table(4, [1], 60_000),
    table(5, [], null),
    table(6, [5], 1, 'frozen'),
  ]
  expect([...objectivesOf(tables, dependencyGraph(tables))].sort(([a], [b]) => a - b)).toEqual([
    [1, 500],
    [2, 500],
    [3, 500],
    [4, 60_000],
    [5, Infinity],
    [6, Infinity],
  ])
})
