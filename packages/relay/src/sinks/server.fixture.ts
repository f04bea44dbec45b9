import { afterAll } from 'vitest'

/**
 * The real server of a sink's tests: started for a file, stopped after its last test. Where there is none, it is said loudly
 * that the tests are skipped (`describe.skipIf(server.missing)`).
 */
export interface SinkServer<Server> {
  readonly missing: boolean
  /** Where there is one. */
  get(): Server
}

export async function sinkServer<Server extends AsyncDisposable>(
  sink: string,
  start: () => Promise<Server | { readonly missing: string }>,
): Promise<SinkServer<Server>> {
  const found = await start()
  if (isMissing(found)) process.stderr.write(`\nSKIPPED: the sink ${sink}; ${found.missing}\n\n`)
  else afterAll(() => found[Symbol.asyncDispose]())
  return {
    missing: isMissing(found),
    get: () => {
      if (isMissing(found)) throw new Error(found.missing)
      return found
    },
  }
}

function isMissing(found: object): found is { readonly missing: string } {
  return 'missing' in found
}

/** What the test kit has found, without its wrapping. */
export function serviceOf<Service extends object>(
  found: { readonly service: Service } | { readonly missing: string },
): Service | { readonly missing: string } {
  return 'service' in found ? found.service : found
}
