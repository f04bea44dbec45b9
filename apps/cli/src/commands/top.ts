import type { Freshet } from '@freshet/client'
import type { Command } from 'commander'
import { answer, globalOptions, withFreshet, type Cli } from '../cli.ts'
import { colors } from '../render/colors.ts'
import { rates, topScreen, type Sample } from '../render/top.ts'
import { serverNow } from '../server-now.ts'
import { examples } from './examples.ts'

const INTERVAL_MS = 1_000
/** Refreshes looked at for the rates of one interval. */
const HISTORY = 1_000

const HOME = '\u001B[H'
const CLEAR_TO_END_OF_LINE = '\u001B[K'
const CLEAR_BELOW = '\u001B[J'
const ALTERNATE_SCREEN = '\u001B[?1049h\u001B[?25l'
const NORMAL_SCREEN = '\u001B[?25h\u001B[?1049l'
const CTRL_C = '\u0003'

export function top(program: Command, cli: Cli): void {
  const command = program
    .command('top')
    .description('watch rates, freshness and pending changes, every second; q or Ctrl-C ends it')
    .action(async (_options: object, command: Command) => {
      await withFreshet(cli, command, async (freshet) => {
        if (globalOptions(command).json || !cli.terminal.out.isTTY) await once(cli, command, freshet)
        else await watch(cli, freshet)
      })
    })
  examples(command, ['freshet top', 'on a terminal'], ['freshet top --json', 'the figures of one second, for a script'])
}

async function once(cli: Cli, command: Command, freshet: Freshet): Promise<void> {
  const earlier = await sample(freshet)
  await pause()
  const later = await sample(freshet)
  const document = { at: later.at, tables: later.tables, rates: Object.fromEntries(rates(earlier, later)) }
  answer(cli, command, document, (paint) => topScreen(earlier, later, Number.POSITIVE_INFINITY, paint))
}

async function watch(cli: Cli, freshet: Freshet): Promise<void> {
  const { terminal } = cli
  const { out, env } = terminal
  const paint = colors(out, env)
  const quit = new AbortController()
  void terminal.interrupted().then(() => quit.abort())
  const release = terminal.keys((key) => {
    if (key === 'q' || key === CTRL_C) quit.abort()
  })
  out.write(ALTERNATE_SCREEN)
  try {
    let earlier: Sample | null = null
    while (!quit.signal.aborted) {
      const later: Sample = await sample(freshet)
      const screen = topScreen(earlier, later, out.rows, paint)
      // Overwritten rather than cleared first: that would flicker.
      out.write(HOME + screen.replaceAll('\n', `${CLEAR_TO_END_OF_LINE}\n`) + CLEAR_TO_END_OF_LINE + CLEAR_BELOW)
      earlier = later
      await pause(quit.signal)
    }
  } finally {
    out.write(NORMAL_SCREEN)
    release?.()
  }
}

async function sample(freshet: Freshet): Promise<Sample> {
  const [at, tables, history] = await Promise.all([
    serverNow(freshet),
    freshet.status(),
    freshet.history({ limit: HISTORY }),
  ])
  return { at, tables, history }
}

function pause(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, INTERVAL_MS)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
