import { type CaptureChoice, type Mode, OUTPUT_KINDS, type OutputKind, type Tier } from '@freshet/client'
import { isFreshetError, parseAtomic, parseSla, TIERS } from '@freshet/core'
import { InvalidArgumentError, Option } from 'commander'
import { usageError } from '../problem.ts'
import type { Terminal } from '../terminal.ts'

/** The options that say what a stream table is; `create`, `alter` and `explain` share them. */

const MODES: readonly Mode[] = ['auto', 'differential', 'full', 'immediate']

export function queryOption(): Option {
  return new Option('--query <sql>', 'the query, a SELECT').conflicts('queryFile')
}

export function queryFileOption(): Option {
  return new Option('--query-file <file>', 'a file that holds the query; `-` is the standard input')
}

export function scheduleOption(): Option {
  return new Option(
    '--schedule <when>',
    '`live`, `calculated` (when what reads it is), `manual`, the greatest age, such as 500ms, 5s, 1m, 2h, or a cron pattern, such as `cron: 0 6 * * * Europe/Berlin` (default: live)',
  )
}

export function fuseOption(): Option {
  return new Option(
    '--fuse <rows>',
    'suspend it, instead of refreshing by schedule, where more change rows wait; `none` takes the fuse away (default: none)',
  ).argParser((text: string): number | null => {
    if (text === 'none') return null
    if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
    throw new InvalidArgumentError('Allowed are a whole number of rows, and none.')
  })
}

export function slaOption(): Option {
  return new Option(
    '--sla <duration>',
    'a change is to be visible within this long, such as 500ms or 2s: what is nearest to missing it is refreshed first; `none` takes it away (default: none)',
  ).argParser((text: string): string | null => {
    if (text === 'none') return null
    durationArgument(text)
    return text
  })
}

/** In milliseconds. */
export function durationArgument(text: string): number {
  try {
    return parseSla(text)
  } catch (error) {
    throw isFreshetError(error) ? new InvalidArgumentError(error.hint ?? error.message) : error
  }
}

export function tierOption(): Option {
  return new Option(
    '--tier <tier>',
    'how often schedulers ask about it: `hot` (by its schedule), `warm` (half as often), `cold` (a tenth as often), `frozen` (never) (default: hot)',
  ).argParser((text: string): Tier => {
    const tier = TIERS.find((known) => known === text)
    if (tier) return tier
    throw new InvalidArgumentError(`Allowed are ${TIERS.join(', ')}.`)
  })
}

export function atomicOption(): Option {
  return new Option(
    '--atomic <group>',
    'refresh it together with the others of the group of this name, in one transaction and at one position; `diamond`: with the stream tables between it and what they share; `none`: alone (default: none)',
  ).argParser((text: string): string | null => {
    if (text === 'none') return null
    try {
      return parseAtomic(text)
    } catch (error) {
      throw isFreshetError(error) ? new InvalidArgumentError(error.hint ?? error.message) : error
    }
  })
}

export function modeOption(): Option {
  return new Option('--mode <mode>', `how it is refreshed: ${MODES.join(', ')} (default: auto)`).argParser(parseMode)
}

function parseMode(text: string): Mode {
  const mode = MODES.find((known) => known === text)
  if (mode) return mode
  throw new InvalidArgumentError(`Allowed are ${MODES.join(', ')}.`)
}

const CAPTURES: readonly CaptureChoice[] = ['trigger', 'wal', 'auto']

export function cdcOption(): Option {
  return new Option(
    '--cdc <how>',
    'how its sources are captured: `trigger` (in the writers’ transactions), `wal` (from the server’s log), or `auto` (by WAL where server and source permit) (default: as they are, new ones by triggers)',
  ).argParser((text: string): CaptureChoice => {
    const choice = CAPTURES.find((known) => known === text)
    if (choice) return choice
    throw new InvalidArgumentError(`Allowed are ${CAPTURES.join(', ')}.`)
  })
}

export function placementOption(otherwise: string): Option {
  return new Option(
    '--placement <where>',
    `on a Citus cluster, where its rows are: \`local\` (on the coordinator), \`reference\` (on every node), or \`distributed\` (default: ${otherwise})`,
  ).argParser((text: string): OutputKind => {
    const kind = OUTPUT_KINDS.find((known) => known === text)
    if (kind) return kind
    throw new InvalidArgumentError(`Allowed are ${OUTPUT_KINDS.join(', ')}.`)
  })
}

export function distributionColumnOption(otherwise: string): Option {
  return new Option(
    '--distribution-column <column>',
    `on a Citus cluster, distribute its rows by this column of its key (default: ${otherwise})`,
  )
}

export interface QuerySource {
  readonly query?: string
  readonly queryFile?: string
}

/** The query's text, from wherever it was given. */
export async function queryText(terminal: Terminal, source: QuerySource): Promise<string> {
  const query = await optionalQueryText(terminal, source)
  if (query !== undefined) return query
  throw usageError('no query was given', "Give --query 'select …', or --query-file with the name of a file.")
}

export async function optionalQueryText(terminal: Terminal, source: QuerySource): Promise<string | undefined> {
  if (source.queryFile === undefined) return source.query
  try {
    return await terminal.read(source.queryFile)
  } catch (error) {
    throw usageError(
      `can not read ${source.queryFile}: ${error instanceof Error ? error.message : String(error)}`,
      'Give --query-file the name of a file that holds one SELECT, or `-` for the standard input.',
    )
  }
}

/** Only the properties that have a value. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
