import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { excerpt, withMore } from '../render/excerpt.ts'
import { streamTableList } from '../render/stream-table.ts'
import { examples } from './examples.ts'
import { limitOf, type LimitOption, limitOption } from './limit.ts'

export function list(program: Command, cli: Cli): void {
  const command = limitOption(program.command('list').description('list the stream tables')).action(
    async (options: LimitOption, command: Command) => {
      const tables = await withFreshet(cli, command, (freshet) => freshet.list())
      const some = excerpt(tables, limitOf(command, options), ({ status }) => status === 'suspended')
      answer(cli, command, some.shown, (paint) => withMore(streamTableList(some.shown, paint), some))
    },
  )
  examples(command, ["freshet list --json | jq -r '.[].name'", 'their names, for a script'])
}
