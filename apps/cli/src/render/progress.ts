import type { Progress } from '@freshet/client'
import type { Command } from 'commander'
import { globalOptions, type Cli } from '../cli.ts'
import type { Output } from '../terminal.ts'
import { count } from './quantity.ts'

const LINE_INTERVAL_MS = 1_000
const FRAME_INTERVAL_MS = 50

/**
 * Shows how far a long call is, on standard error: one line that changes in place on a terminal, else a plain line
 * for each phase and not more than one a second inside it. Nothing where the answer is JSON.
 */
export async function showProgress<T>(
  cli: Cli,
  command: Command,
  work: (progress: (step: Progress) => void) => Promise<T>,
): Promise<T> {
  if (globalOptions(command).json) return work(() => undefined)
  const meter = progressMeter(cli.terminal.err)
  try {
    return await work((step) => meter.step(step))
  } finally {
    meter.end()
  }
}

export function progressMeter(output: Output, now: () => number = Date.now) {
  let phase: Progress['phase'] | null = null
  let shownAt = 0
  return {
    step(step: Progress): void {
      if (step.phase === 'done') return
      const at = now()
      const interval = output.isTTY ? FRAME_INTERVAL_MS : LINE_INTERVAL_MS
      if (step.phase === phase && at - shownAt < interval) return
      phase = step.phase
      shownAt = at
      const line = progressLine(step)
      output.write(output.isTTY ? `\r\u001B[2K${line.slice(0, output.columns - 1)}` : `${line}\n`)
    },
    end(): void {
      if (output.isTTY && phase !== null) output.write('\r\u001B[2K')
    },
  }
}

export function progressLine({ phase, message, rows, expectedRows }: Progress): string {
  const done =
    rows === undefined ? '' : `  ${count(rows)}${expectedRows ? ` of about ${count(expectedRows)}` : ''} rows`
  const share =
    rows !== undefined && expectedRows ? ` (${Math.min(100, Math.floor((rows / expectedRows) * 100))} %)` : ''
  return `${phase}: ${message}${done}${share}`
}
