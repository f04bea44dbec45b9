import { toFreshetError } from '@freshet/core'
import { demo } from './demo.ts'
import { readOptions } from './options.ts'

/**
 * The demo as a program. The first Ctrl-C ends it in order: writers stop, everything is verified and summed up, the
 * server is stopped. The second one leaves out what can be left out; the server is stopped in any case.
 */
async function main(): Promise<number> {
  const options = readOptions(process.env)
  const stop = new AbortController()
  const hurry = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => (stop.signal.aborted ? hurry : stop).abort())
  }
  return demo(options, { stop, hurry: hurry.signal })
}

main().then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    const error = toFreshetError(thrown)
    const lines = [`demo: ${error.message} (${error.code})`, error.detail, error.hint && `hint: ${error.hint}`]
    console.error(lines.filter((line) => line).join('\n'))
    process.exit(error.code === 'USAGE' ? 2 : 1)
  },
)
