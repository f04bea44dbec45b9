import { cloudEvents } from './cloudevents.ts'
import { debezium } from './debezium.ts'
import type { Format } from './format.ts'
import { freshet } from './freshet.ts'
import { plain } from './plain.ts'

/** The formats that a relay can be told to write. */
export const FORMATS = { freshet, debezium, cloudevents: cloudEvents, plain } as const satisfies Readonly<
  Record<string, Format>
>

export type FormatName = keyof typeof FORMATS
