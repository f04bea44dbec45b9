import type { Explanation } from '@freshet/client'
import { InvalidArgumentError, type Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { usageError } from '../problem.ts'
import type { Colors } from '../render/colors.ts'
import { explanationText, statementsText } from '../render/explanation.ts'
import { sqlFormatter } from '../render/format-sql.ts'
import { optionalQueryText, queryFileOption, queryOption } from './definition.ts'
import { examples } from './examples.ts'

const FORMATS = ['text', 'json', 'dot', 'sql'] as const

type Format = (typeof FORMATS)[number]

interface Options {
  readonly query?: string
  readonly queryFile?: string
  readonly format: Format
}

export function explain(program: Command, cli: Cli): void {
  const command = program
    .command('explain')
    .description('show how a stream table, or a query that may become one, is kept fresh; changes nothing')
    .argument('[name]', 'the stream table')
    .addOption(queryOption())
    .addOption(queryFileOption())
    .option('--format <format>', `how to show it: ${FORMATS.join(', ')}`, parseFormat, 'text')
    .action(async (name: string | undefined, options: Options, command: Command) => {
      const asked = subject(name, await optionalQueryText(cli.terminal, options))
      const explanation = await withFreshet(cli, command, (freshet) => freshet.explain(asked))
      answer(cli, command, explanation, await renderer(explanation, options.format))
    })
  examples(
    command,
    ['freshet explain sales.daily', 'the plan, one operator a line, and its storage'],
    [`freshet explain --query 'select distinct city from customers'`, 'before anything is created'],
    ['freshet explain sales.daily --format sql', 'every statement that a refresh may run'],
    ['freshet explain sales.daily --format dot | dot -Tsvg > plan.svg', 'a picture'],
  )
}

function subject(name: string | undefined, query: string | undefined): { name: string } | { query: string } {
  if (name !== undefined && query === undefined) return { name }
  if (name === undefined && query !== undefined) return { query }
  throw usageError(
    name === undefined ? 'nothing to explain was given' : 'a name and a query were both given',
    'Give the name of a stream table, or --query, or --query-file.',
  )
}

async function renderer(explanation: Explanation, format: Format): Promise<(paint: Colors) => string> {
  switch (format) {
    case 'text':
      return (paint) => explanationText(explanation, paint)
    case 'json':
      return () => JSON.stringify(explanation, null, 2)
    case 'dot':
      return () => explanation.dot.trimEnd()
    case 'sql': {
      const pretty = await sqlFormatter()
      return (paint) => statementsText(explanation.statements, pretty, paint)
    }
  }
}

function parseFormat(text: string): Format {
  const format = FORMATS.find((known) => known === text)
  if (format) return format
  throw new InvalidArgumentError(`Allowed are ${FORMATS.join(', ')}.`)
}
