import type { Cli } from './cli.ts'
import { EXIT } from './exit-code.ts'
import { FreshetError } from '@freshet/core'
import type { Command } from 'commander'
import { program } from './program.ts'
import type { Output } from './terminal.ts'

const WIDTH = 100

/** `docs/cli.md`: the help of every command as a page, so that the two can not say different things. */
export function manual(): string {
  let help = ''
  const root = program(helpOnly((text) => (help += text)))
  const helpOf = (command: Command) => {
    help = ''
    command.outputHelp()
    return `\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`
  }
  const chapters = root.commands.map(
    (command) => `## freshet ${command.name()}\n\n${[command, ...command.commands].map(helpOf).join('\n')}`,
  )
  return [
    '# The freshet command\n',
    '<!-- Made from the help of apps/cli by `npm run docs`. -->\n',
    helpOf(root),
    ANSWERS,
    ...chapters,
  ].join('\n')
}

const ANSWERS = `## Answers

Standard output holds the answer, standard error everything else: progress, notices, errors. With \`--json\` the answer is
one JSON document: what the library's method of that name returns, with times in ISO 8601. \`refresh\` and \`verify\` answer
with one object for each stream table: its \`name\` and the fields of its outcome, or its \`name\` and an \`error\`. An error
that ends a command is one document on standard error with \`code\`, \`message\`, \`detail\`, \`hint\` and \`sqlState\`;
[errors.md](errors.md) lists the codes. \`serve\` and \`postgres\` answer as soon as they are ready, and then run until they
are interrupted.
`

/** Commands that are only described, never run. */
function helpOnly(write: (text: string) => void): Cli {
  const paper: Output = { write, isTTY: false, columns: WIDTH, rows: 0 }
  const refuse = () => Promise.reject(new FreshetError('INTERNAL', 'the manual runs no command'))
  return {
    terminal: { out: paper, err: paper, env: {}, read: refuse, interrupted: refuse, keys: () => null },
    connect: refuse,
    startScheduler: refuse,
    exitCode: EXIT.done,
  }
}
