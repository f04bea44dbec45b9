import type { StreamTable, Verification } from '@freshet/client'
import { percentile, type Tally } from './tally.ts'
import { count, flightTime, ms, textTable } from './text-table.ts'

export interface Ending {
  readonly seconds: number
  readonly from: number
  readonly to: number
  readonly tally: Tally
  readonly tables: readonly { readonly table: StreamTable; readonly verification: Verification }[]
}

export function summary({ seconds, from, to, tally, tables }: Ending): string[] {
  const { total, freshness } = tally
  const wrong = tables.filter(({ verification }) => !verification.equal)
  const figures = [
    ['replayed', `${flightTime(from)} to ${flightTime(to)}, in ${seconds.toFixed(1)} s`],
    [
      'rows written',
      `${count(total.inserts)} inserted, ${count(total.updates)} updated, ${count(total.deletes)} deleted`,
    ],
    [
      'transactions',
      `${count(total.transactions)} committed, ${count(total.late)} of them after a long time; ${count(total.rolledBack)} rolled back`,
    ],
    [
      'refreshes',
      `${count(total.refreshes)}, ${total.failures === 0 ? 'none failed' : `${count(total.failures)} failed`}`,
    ],
    [
      'freshness',
      `p50 ${ms(percentile(freshness, 0.5))}, p99 ${ms(percentile(freshness, 0.99))}, ` +
        `at most ${ms(percentile(freshness, 1))}; ${count(freshness.length)} probes`,
    ],
  ]
  const rows = tables.map(({ table, verification }) => {
    const { refreshes, changeRows } = tally.table(table.name)
    return [
      table.name,
      table.effectiveMode,
      count(verification.rows),
      count(refreshes),
      count(changeRows),
      result(verification),
    ]
  })
  return [
    '',
    ...figures.map(([name = '', value = '']) => `${name.padEnd(14)}${value}`),
    '',
    ...textTable(['stream table', 'mode', 'rows', 'refreshes', 'changes read', 'compared with its query'], rows, [
      'left',
      'left',
      'right',
      'right',
      'right',
      'left',
    ]),
    ...wrong.flatMap(({ verification }) =>
      verification.samples.map(({ side, row }) => `  ${verification.name} ${side}: ${row}`),
    ),
    '',
    wrong.length === 0
      ? `✔ all ${tables.length} stream tables equal their queries`
      : `✘ ${wrong.length} of ${tables.length} stream tables differ from their queries`,
  ]
}

function result({ equal, extra, missing }: Verification): string {
  return equal ? 'equal' : `DIFFERS: ${count(extra)} extra, ${count(missing)} missing`
}
