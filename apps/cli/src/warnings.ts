/**
 * kafkajs asks for a negative pause where it waits for nothing, and Node warns of it: once in each process, in the middle of
 * what a person reads. It is nothing to act on. All other warnings go where they went.
 */
const IGNORED = 'TimeoutNegativeWarning'

export function ignoreNegativeTimeouts(of: Pick<NodeJS.Process, 'listeners' | 'removeAllListeners' | 'on'>): void {
  const usual = of.listeners('warning')
  of.removeAllListeners('warning')
  of.on('warning', (warning) => {
    if (warning.name !== IGNORED) for (const listener of usual) listener(warning)
  })
}
