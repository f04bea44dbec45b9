import type { Command } from 'commander'

/** Shows a few uses below a command's help, each with what it is for. */
export function examples(command: Command, ...uses: readonly (readonly [line: string, purpose: string])[]): Command {
  const lines = uses.map(([line, purpose]) => `  # ${purpose}\n  $ ${line}`)
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
