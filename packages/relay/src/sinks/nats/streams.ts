import { FreshetError } from '@freshet/core'
import type { JetStreamManager } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'

/** The stream that is made where there is none of its name. One that is there is left as it is. */
export interface NewStream {
  readonly name: string
  readonly subjects: readonly string[]
  readonly replicas: number
  /** For how long it knows the ids of messages. */
  readonly duplicateWindowMs: number
}

/** A stream takes each of the subjects, or is made; subjects that none takes are told together. */
export async function requireStreams(
  manager: JetStreamManager,
  subjects: readonly string[],
  create: NewStream | null,
): Promise<void> {
  if (create !== null && !(await names(manager)).includes(create.name))
    await manager.streams.add({
      name: create.name,
      subjects: [...create.subjects],
      num_replicas: create.replicas,
      duplicate_window: nanos(create.duplicateWindowMs),
    })
  const missing: string[] = []
  for (const subject of subjects) if ((await names(manager, subject)).length === 0) missing.push(subject)
  if (missing.length > 0)
    throw new FreshetError('SINK_REFUSED', `no stream takes the subjects ${missing.join(', ')}`, {
      hint: 'Create a stream for them, or let the relay do it: `create_stream` in its configuration.',
    })
}

async function names(manager: JetStreamManager, subject?: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const name of manager.streams.names(subject)) found.push(name)
  return found
}
