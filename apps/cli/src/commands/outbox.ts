import { InvalidArgumentError, type Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { outboxList } from '../render/outbox.ts'
import { durationArgument } from './definition.ts'
import { examples } from './examples.ts'

interface CreateOptions {
  readonly payload: 'jsonb' | 'bytea'
  readonly keep: number
}

interface SeekOptions {
  readonly consumer: string
  readonly to: 'now' | 'beginning' | Date
}

export function outbox(program: Command, cli: Cli): void {
  const command = program
    .command('outbox')
    .description('tables into which applications write, in their own transactions, what is to be relayed')
  examples(
    command,
    ['freshet outbox create shop.outbox', 'then: insert into shop.outbox (topic, key, payload) values (…)'],
    ['freshet outbox list', 'who reads them, and how much waits for each'],
    ['freshet outbox seek shop.outbox --consumer orders --to 2026-01-31T12:00Z', 'relay again what is still there'],
  )

  command
    .command('create')
    .description('create an outbox')
    .argument('<name>', 'the table to create')
    .option('--payload <type>', 'the type of its payloads: jsonb or bytea', payloadType, 'jsonb')
    .option('--keep <duration>', 'how long messages stay after every consumer has passed them', durationArgument, 0)
    .action(async (name: string, { payload, keep }: CreateOptions, here: Command) => {
      const { createOutbox } = await import('@freshet/relay')
      const created = await withFreshet(cli, here, async (freshet) => {
        await freshet.list() // says what is wrong where Freshet is not installed
        return createOutbox(freshet.database, { name, payload, keepMs: keep })
      })
      answer(cli, here, created, () => `Created the outbox ${created.name}.`)
    })

  command
    .command('drop')
    .description('drop an outbox with its messages, and forget who reads it')
    .argument('<name>', 'the outbox')
    .action(async (name: string, _options: unknown, here: Command) => {
      const { dropOutbox } = await import('@freshet/relay')
      await withFreshet(cli, here, (freshet) => dropOutbox(freshet.database, name))
      answer(cli, here, { dropped: name }, () => `Dropped the outbox ${name}.`)
    })

  command
    .command('list')
    .description('show the outboxes, their consumers, and what waits for each')
    .action(async (_options: unknown, here: Command) => {
      const { listOutboxes } = await import('@freshet/relay')
      const listed = await withFreshet(cli, here, (freshet) => listOutboxes(freshet.database))
      answer(cli, here, listed, (paint) => outboxList(listed, paint))
    })

  command
    .command('seek')
    .description('say where a consumer goes on; a relay that is at work for it goes on there')
    .argument('<name>', 'the outbox')
    .requiredOption('--consumer <name>', 'the consumer')
    .requiredOption('--to <place>', 'now, beginning, or a time in ISO 8601: what was written since', place)
    .action(async (name: string, { consumer, to }: SeekOptions, here: Command) => {
      const { seek } = await import('@freshet/relay')
      const moved = await withFreshet(cli, here, (freshet) => seek(freshet.database, name, consumer, to))
      answer(cli, here, moved, () => `Moved ${consumer}.`)
    })

  command
    .command('forget')
    .description('forget a consumer: nothing is kept for it any more')
    .argument('<consumer>', 'the consumer')
    .action(async (consumer: string, _options: unknown, here: Command) => {
      const { dropConsumer } = await import('@freshet/relay')
      await withFreshet(cli, here, (freshet) => dropConsumer(freshet.database, consumer))
      answer(cli, here, { forgotten: consumer }, () => `Forgot ${consumer}.`)
    })
}

function payloadType(text: string): 'jsonb' | 'bytea' {
  if (text === 'jsonb' || text === 'bytea') return text
  throw new InvalidArgumentError('Allowed are jsonb and bytea.')
}

function place(text: string): 'now' | 'beginning' | Date {
  if (text === 'now' || text === 'beginning') return text
  const time = new Date(text)
  if (/^\d{4}-/.test(text) && !Number.isNaN(time.getTime())) return time
  throw new InvalidArgumentError('Allowed are now, beginning, and times such as 2026-01-31T12:00:00Z.')
}
