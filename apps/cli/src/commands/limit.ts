import { type Command, InvalidArgumentError } from 'commander'
import { globalOptions } from '../cli.ts'

/** `--limit` of what may be a long list: a person is shown a hundred, and a script gets all. */
export interface LimitOption {
  readonly limit?: number
}

const FOR_A_PERSON = 100

export function limitOption(command: Command): Command {
  return command.option(
    '--limit <n>',
    `how many to show, those that want attention first; ${FOR_A_PERSON} if not given, and with --json all`,
    wholeNumber,
  )
}

export function limitOf(command: Command, { limit }: LimitOption): number {
  return limit ?? (globalOptions(command).json === true ? Number.POSITIVE_INFINITY : FOR_A_PERSON)
}

export function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A whole number greater than zero is wanted.')
}
