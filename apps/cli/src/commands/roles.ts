import { checkDatabaseUrl, rolesScript } from '@freshet/core'
import type { Command } from 'commander'
import { answer, type Cli, databaseUrl } from '../cli.ts'
import { usageError } from '../problem.ts'
import { examples } from './examples.ts'

interface Options {
  readonly sql?: boolean
  readonly prefix: string
  readonly schema: readonly string[]
  readonly database?: string
}

export function roles(program: Command, cli: Cli): void {
  const command = program
    .command('roles')
    .description(
      'print a script that makes four roles with as few rights as they need: owner, refresher, reader and writer; it connects to nothing',
    )
    .option('--sql', 'as SQL, for psql (the only form there is)')
    .option('--prefix <name>', 'their names begin with it', 'freshet')
    .option('--schema <name...>', 'where sources and stream tables live', ['public'])
    .option('--database <name>', 'the database (default: that of the database URL)')
    .action((options: Options, command: Command) => {
      const database = options.database ?? nameIn(databaseUrl(cli, command))
      const script = rolesScript({ prefix: options.prefix, database, schemas: options.schema })
      answer(cli, command, { sql: script }, () => script)
    })
  examples(
    command,
    [
      'freshet roles --schema sales | psql shop',
      'as the owner of the database: before `freshet init`, and once after it',
    ],
    [`freshet roles --prefix app --schema sales reports --database shop`, 'to read what it would do'],
  )
}

function nameIn(url: string): string {
  const name = decodeURI(new URL(checkDatabaseUrl(url)).pathname.slice(1))
  if (name !== '') return name
  throw usageError('the database URL names no database', 'Give --database with its name.')
}
