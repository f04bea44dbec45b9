import { FreshetError } from '@freshet/core'
import { parseDocument } from 'yaml'
import type { z } from 'zod'
import { type Environment, printPath, withEnvironment } from './environment.ts'

/** A configuration file: YAML, variables put in, checked as a whole. Every mistake is told with its path. */
export interface Loaded<Config> {
  readonly config: Config
  readonly secrets: Environment['secrets']
}

export function loadDocument<Config>(
  schema: z.ZodType<Config>,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Loaded<Config> {
  const yaml = parseDocument(text, { prettyErrors: true })
  if (yaml.errors.length > 0) throw invalid(yaml.errors.map(({ message }) => message.split('\n')[0] ?? message))
  const { document, missing, secrets } = withEnvironment(yaml.toJS(), env)
  if (missing.length > 0)
    throw invalid(missing.map(({ name, path }) => `${path}: the environment variable ${name} is not set`))
  const parsed = schema.safeParse(document)
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap(mistakesOf))
  return { config: parsed.data, secrets }
}

/** Of a union, those of the branch that fits best are the ones to tell. */
function mistakesOf(issue: z.core.$ZodIssue, _i: number): readonly string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${printPath([...issue.path, key])}: is not known here`)
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [closest] = [...issue.errors].sort((a, b) => a.length - b.length)
    return (closest ?? []).flatMap((inner) => mistakesOf({ ...inner, path: [...issue.path, ...inner.path] }, 0))
  }
  return [`${printPath(issue.path)}: ${issue.message}`]
}

function invalid(mistakes: readonly string[]): FreshetError {
  return new FreshetError(
    'RELAY_CONFIG_INVALID',
    mistakes.length === 1 ? (mistakes[0] ?? '') : `${mistakes.length} mistakes:\n${mistakes.join('\n')}`,
  )
}
