import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'
import { findingList } from '../render/findings.ts'
import { examples } from './examples.ts'

export function doctor(program: Command, cli: Cli): void {
  const command = program
    .command('doctor')
    .description('check the server, the schemas, the capture of every source and every stream table')
    .action(async (_options: object, command: Command) => {
      const findings = await withFreshet(cli, command, (freshet) => freshet.doctor())
      answer(cli, command, findings, (paint) => findingList(findings, paint))
      if (findings.some((finding) => finding.level === 'error')) cli.exitCode = EXIT.failed
    })
  examples(command, ['freshet doctor', 'exits with 1 if anything is broken'])
}
