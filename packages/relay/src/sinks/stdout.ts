import { FreshetError } from '@freshet/core'
import type { Writable } from 'node:stream'
import type { Sink } from '../sink.ts'
import { printLine } from './lines.ts'

/** One line of JSON for each message, on standard output or another stream. At least once: who reads it may have gone. */
export function stdoutSink(output: Writable = process.stdout): Sink {
  return {
    guarantee: 'at least once',
    open: () => Promise.resolve(null),
    deliver: (messages) =>
      new Promise((resolve, reject) => {
        if (messages.length === 0) return resolve()
        output.write(messages.map(printLine).join(''), (error) => {
          if (error) reject(new FreshetError('SINK_UNAVAILABLE', 'the output can not be written to', { cause: error }))
          else resolve()
        })
      }),
    close: () => Promise.resolve(),
  }
}
