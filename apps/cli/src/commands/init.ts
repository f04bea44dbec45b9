import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { counted } from '../render/quantity.ts'
import { examples } from './examples.ts'

export function init(program: Command, cli: Cli): void {
  const command = program
    .command('init')
    .description("create or upgrade Freshet's schemas in the database; safe to repeat")
    .option('--event-triggers', 'see changes of sources when they are made; needs a superuser')
    .option('--no-event-triggers', 'take the event triggers away again')
    .action(async ({ eventTriggers }: { readonly eventTriggers?: boolean }, command: Command) => {
      const report = await withFreshet(cli, command, (freshet) => freshet.init({ eventTriggers }))
      answer(cli, command, report, () =>
        report.applied.length === 0
          ? `The schema is current: version ${report.schemaVersion}.`
          : `Applied ${counted(report.applied.length, 'migration')}; the schema is at version ${report.schemaVersion}.`,
      )
    })
  examples(command, ['freshet init --database-url postgresql://me@localhost/shop', 'prepare a database'])
}
