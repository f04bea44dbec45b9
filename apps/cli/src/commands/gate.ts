import type { Gate } from '@freshet/client'
import { usageError } from '../problem.ts'

/** What `pause` and `resume` are about: a stream table, or a gate. */
export interface GateOptions {
  readonly source?: string
  readonly capture?: boolean
  readonly everything?: boolean
}

export type Subject = { readonly kind: 'table'; readonly name: string } | Gate

export function subject(name: string | undefined, { source, capture, everything }: GateOptions): Subject {
  const given: Subject[] = [
    ...(name === undefined ? [] : [{ kind: 'table', name } as const]),
    ...(source === undefined ? [] : [{ kind: 'source', name: source } as const]),
    ...(capture === true ? [{ kind: 'capture' } as const] : []),
    ...(everything === true ? [{ kind: 'everything' } as const] : []),
  ]
  const [only, other] = given
  if (only !== undefined && other === undefined) return only
  throw usageError(
    only === undefined ? 'nothing was named' : 'more than one thing was named',
    'Give a stream table, or --source TABLE, or --capture, or --everything.',
  )
}
