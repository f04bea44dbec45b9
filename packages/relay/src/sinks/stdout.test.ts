import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { parseLine } from './lines.ts'
import { message, sinkConformance } from './sink-conformance.fixture.ts'
import { stdoutSink } from './stdout.ts'

sinkConformance('stdout', 'at least once', () => {
  let text = ''
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk)
      done()
    },
  })
  return Promise.resolve({
    create: () => stdoutSink(output),
    shown: () => Promise.resolve(text.split('\n').slice(0, -1).map(parseLine)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  })
})

test('a reader that has gone is told of', async () => {
  const closed = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
  closed.on('error', () => undefined)
  await expect(stdoutSink(closed).deliver([message(1)], null)).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
})
