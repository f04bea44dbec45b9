import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Cli } from './cli.ts'
import { alter } from './commands/alter.ts'
import { citus } from './commands/citus.ts'
import { create } from './commands/create.ts'
import { doctor } from './commands/doctor.ts'
import { drop } from './commands/drop.ts'
import { dump } from './commands/dump.ts'
import { explain } from './commands/explain.ts'
import { history } from './commands/history.ts'
import { init } from './commands/init.ts'
import { list } from './commands/list.ts'
import { inbox } from './commands/inbox.ts'
import { outbox } from './commands/outbox.ts'
import { pause } from './commands/pause.ts'
import { postgres } from './commands/postgres.ts'
import { refresh } from './commands/refresh.ts'
import { relay } from './commands/relay.ts'
import { repair } from './commands/repair.ts'
import { restore } from './commands/restore.ts'
import { resume } from './commands/resume.ts'
import { roles } from './commands/roles.ts'
import { serve } from './commands/serve.ts'
import { sla } from './commands/sla.ts'
import { status } from './commands/status.ts'
import { top } from './commands/top.ts'
import { verify } from './commands/verify.ts'

/** In the order in which a newcomer meets them. */
const COMMANDS = [
  postgres,
  init,
  create,
  serve,
  list,
  status,
  sla,
  top,
  refresh,
  verify,
  explain,
  history,
  alter,
  pause,
  resume,
  drop,
  outbox,
  relay,
  inbox,
  citus,
  doctor,
  repair,
  dump,
  restore,
  roles,
]

export function program(cli: Cli): Command {
  const { out } = cli.terminal
  const root = new Command('freshet')
    .description('Stream tables: PostgreSQL tables defined by a query, kept equal to it as their sources change.')
    .option('--database-url <url>', 'the database (default: DATABASE_URL)', (url, before?: string) =>
      before === undefined ? url : `${before} ${url}`,
    )
    .option('--json', 'answer with one JSON document on standard output, and tell errors in JSON on standard error')
    .version(version())
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => out.write(text),
      // Errors are told once, by `run`; so is a command line without a command.
      outputError: () => undefined,
      writeErr: () => undefined,
      getOutHelpWidth: () => out.columns,
      getOutHasColors: () => false,
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 verify found a difference.\n' +
        'A name is `table` or `schema.table`, quoted as in SQL where it needs to be: \'sales."Daily Totals"\'.',
    )
  for (const add of COMMANDS) add(root, cli)
  return root
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return String(Reflect.get(Object(manifest) as object, 'version'))
}
