import type { Freshet, StreamTableHandle } from './freshet.ts'

export function streamTableHandle<Row extends object>(freshet: Freshet, name: string): StreamTableHandle<Row> {
  return {
    name,
    refresh: (options) => freshet.refresh(name, options),
    verify: () => freshet.verify(name),
    subscribe: (options) => freshet.subscribe<Row>(name, options),
    liveCopy: (options) => freshet.liveCopy<Row>(name, options),
  }
}
